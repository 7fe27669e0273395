"""Identify, over HTTP."""

from __future__ import annotations

from typing import Final

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Caller, Exchange
from hullo.asgi.rates.turns import identify_turn
from hullo.asgi.shapes import outcome_shape
from hullo.asgi.wire import encode, identify_body, with_session_token
from hullo.errors import HulloError, Invalid, SessionRevoked
from hullo.model.claim import Rejection
from hullo.model.outcome import Outcome
from hullo.pipeline.repeat import Repeatable, Replayed
from hullo.pipeline.work import Work

KEY_LONGEST: Final = 255


async def identify(exchange: Exchange) -> Answer:
    """`POST /v1/identify`. Observers are told of whatever refuses it."""
    try:
        return await _identify(exchange)
    except HulloError as refused:
        await tell_refused(exchange, refused)
        raise


async def tell_refused(exchange: Exchange, error: HulloError) -> None:
    """Tells observers that this identify was refused."""
    await exchange.edge.tell_refused(error, exchange.app_key, exchange.request_id)


async def _identify(exchange: Exchange) -> Answer:
    raw = await exchange.body()
    body = identify_body(raw, exchange.edge.hullo.settings.limits)
    caller = await exchange.caller(body.envelope)
    if caller.session is not None and caller.app_key is None:
        raise SessionRevoked
    key = _idempotency_key(exchange)
    turn = await identify_turn(exchange, caller.session, raw, key)
    work: Work[Outcome] = exchange.edge.hullo.identifying(
        body.claim,
        app_key=caller.app_key,
        session=caller.session,
        moment=exchange.moment,
        origin=exchange.origin,
        consent=body.envelope.consent,
    )
    work = turn.around(work)
    once = work if key is None else _once(exchange, caller, work, key, raw)
    answer = await turn.settled(exchange.edge.do(once, verifying=True))
    token, headers = exchange.session_told(answer.session_token)
    if isinstance(answer, Replayed):
        first, request_id = with_session_token(answer.body, token)
        return Answer(body=first, request_id=request_id, headers=headers)
    return told(outcome_shape(answer, token), headers)


def _once(exchange: Exchange, caller: Caller, work: Work[Outcome], key: str, raw: bytes) -> Repeatable[Outcome]:
    return Repeatable(
        work=work,
        key=key,
        caller=caller.session or exchange.address,
        request=raw,
        moment=exchange.moment,
        encode=_without_secrets,
    )


def _without_secrets(outcome: Outcome) -> bytes:
    return encode(outcome_shape(outcome, None))


def _idempotency_key(exchange: Exchange) -> str | None:
    key = exchange.header(b"idempotency-key")
    if key is None:
        return None
    if 0 < len(key) <= KEY_LONGEST and key.isascii() and key.isprintable():
        return key
    reason = f"must be 1 to {KEY_LONGEST} printable ASCII characters"
    raise Invalid("nothing was written", [Rejection(field="Idempotency-Key", reason=reason)])
