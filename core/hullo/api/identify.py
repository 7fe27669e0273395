"""Identify over HTTP."""

from __future__ import annotations

from typing import Final

from hullo.api.bodies import IdentifyBody, restore_session_token
from hullo.api.openapi.notation import text
from hullo.api.openapi.operation import ANY_CALLER, operation
from hullo.api.request import Caller, Request
from hullo.api.reservations import reserve_contact, reserve_identify, reserve_leave
from hullo.api.schemas import ClaimedResponse, NobodyResponse, ProvenResponse, identify_response
from hullo.asgi.json import encode
from hullo.asgi.response import Response, json_response
from hullo.engine.idempotency import IdempotentOperation, ReplayedResponse
from hullo.errors import (
    Blocked,
    Conflicting,
    ConsentRequired,
    Forbidden,
    HulloError,
    Invalid,
    NoIdentifier,
    ProofRejected,
    ProofRequired,
    Rejection,
    SessionRevoked,
)
from hullo.model.operation import Operation
from hullo.model.outcome import Outcome
from hullo.operations.sessions.leave import LeaveIdentity

IDEMPOTENCY_KEY_MAX_LENGTH: Final = 255


@operation(
    "Say who the visitor is",
    description="Links the visitor to a contact, and writes what is said about the person. Without a session "
    "it begins one. A call that proves nothing is answered the same whether the person is known or not.",
    security=ANY_CALLER,
    headers=(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A repeat within a day gets the first answer, and changes nothing; another "
            "body is a `conflict`.",
            # Printable ASCII without a space at the ends, which servers trim (RFC 9110 §5.5).
            "schema": text(IDEMPOTENCY_KEY_MAX_LENGTH, pattern="^[!-~]([ -~]*[!-~])?$"),
        },
    ),
    answers=(ClaimedResponse, ProvenResponse, NobodyResponse),
    body=IdentifyBody,
    beacon=True,
    discriminator="standing",
    refusals=(
        Conflicting,
        Blocked,
        ConsentRequired,
        Forbidden,
        NoIdentifier,
        ProofRejected,
        ProofRequired,
        SessionRevoked,
    ),
)
async def identify(request: Request) -> Response:
    """`POST /v1/identify`. Observers get every rejection."""
    try:
        return await _identify(request)
    except HulloError as refused:
        # V2: a page that repeats its wrong hash at each view is counted once.
        if not (isinstance(refused, ProofRejected) and refused.is_repeat):
            await notify_rejected(request, refused)
        raise


async def notify_rejected(request: Request, error: HulloError) -> None:
    """Send the rejection of this identify to observers."""
    await request.runtime.notify_rejected(error, request.app_key, request.request_id)


async def _identify(request: Request) -> Response:
    # Taken for a page's call, it would make a visitor and a session for each server that calls.
    if request.has_api_key:
        raise Forbidden("an API key does not identify a visitor; a server writes people with POST /v1/contacts")
    raw = await request.person_body()
    body = IdentifyBody.parse(raw, request.limits)
    caller = await request.resolve_caller(body.envelope)
    if body.nobody:
        return await _leave(request, caller)
    # The call names no app, and no app knows the session: the answer is that of every session that is over.
    if caller.session is not None and caller.app_key is None:
        raise SessionRevoked
    key = _idempotency_key(request)
    reservation = await reserve_identify(request, caller.session, raw, key, body.claim)
    contact_reservation = await reserve_contact(request, body.claim)
    operation: Operation[Outcome] = request.runtime.hullo.identify_operation(
        body.claim,
        app_key=caller.app_key,
        session_digest=caller.session,
        context=request.context,
        origin=request.foreign_origin,
        consent=body.envelope.consent,
    )
    # Guarded inside of the repeatable operation: a repeat gets its response even over the limit.
    operation = reservation.guard(operation)
    if contact_reservation is not None:
        operation = contact_reservation.guard(operation)
    repeatable = operation if key is None else _make_repeatable(request, caller, operation, key, raw)
    finished = reservation.finish(request.runtime.run(repeatable, uses_verifiers=True))
    result = await (finished if contact_reservation is None else contact_reservation.finish(finished))
    token, headers = request.session_delivery(result.session_token)
    if isinstance(result, ReplayedResponse):
        # Responses are stored without the token, so it is put back here.
        replayed, request_id = restore_session_token(result.body, token)
        return Response(body=replayed, request_id=request_id, headers=headers)
    return json_response(identify_response(result, token), headers)


async def _leave(request: Request, caller: Caller) -> Response:
    """End an identified session: no user is logged in on the page (S6)."""
    reservation = await reserve_leave(request)
    operation = LeaveIdentity(
        app_key=caller.app_key, session_digest=caller.session, origin=request.origin, context=request.context
    )
    update = await reservation.finish(request.runtime.run(reservation.guard(operation)))
    token, headers = request.session_delivery(update.token if update is not None else None)
    return json_response(NobodyResponse.of(update, token, request.request_id), headers)


def _make_repeatable(
    request: Request, caller: Caller, operation: Operation[Outcome], key: str, raw: bytes
) -> IdempotentOperation[Outcome]:
    return IdempotentOperation(
        operation=operation,
        key=key,
        # Without a session the address keeps one caller's key from finding another's response.
        caller=caller.session or request.address,
        request_body=raw,
        context=request.context,
        encode=_encode_without_secrets,
    )


def _encode_without_secrets(outcome: Outcome) -> bytes:
    # Without the token: a stored response must not be a credential.
    return encode(identify_response(outcome, None))


def _idempotency_key(request: Request) -> str | None:
    key = request.header(b"idempotency-key")
    if key is None:
        return None
    if 0 < len(key) <= IDEMPOTENCY_KEY_MAX_LENGTH and key.isascii() and key.isprintable():
        return key
    reason = f"must be 1 to {IDEMPOTENCY_KEY_MAX_LENGTH} printable ASCII characters"
    raise Invalid("nothing was written", [Rejection(field="Idempotency-Key", reason=reason)])
