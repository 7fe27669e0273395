"""Consent of a visitor over HTTP."""

from __future__ import annotations

from hullo.api.bodies import ConsentBody, Envelope
from hullo.api.openapi.operation import ANY_CALLER, operation
from hullo.api.request import Request
from hullo.api.schemas import JoinedResponse
from hullo.api.sessions import anonymous_response, open_session
from hullo.asgi.response import Response
from hullo.operations.sessions.withdraw_consent import WithdrawConsent


@operation(
    "Say whether the visitor agrees to be remembered",
    description="Granted, it is a join. Withdrawn, the session ends for good and none begins. May be repeated.",
    security=ANY_CALLER,
    answers=JoinedResponse,
    body=ConsentBody,
    beacon=True,
)
async def answer_consent(request: Request) -> Response:
    """`POST /v1/consent`: consent starts or continues a session; its withdrawal ends it."""
    body = await request.parse(ConsentBody)
    if body.granted:
        envelope = Envelope(app_key=body.app_key, session_token=body.session_token, consent=True)
        return (await open_session(request, "join", envelope)).response
    # No slot is reserved: a withdrawal makes no session.
    caller = await request.resolve_caller(body)
    await request.runtime.run(
        WithdrawConsent(
            app_key=caller.app_key,
            session_digest=caller.session,
            origin=request.foreign_origin,
            context=request.context,
        )
    )
    return await anonymous_response(request)
