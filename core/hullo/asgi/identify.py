"""Identify, over HTTP."""

from __future__ import annotations

from typing import Final

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Caller, Exchange
from hullo.asgi.shapes import outcome_shape
from hullo.asgi.wire import encode, identify_body, with_session_token
from hullo.errors import HulloError, Invalid, SessionRevoked
from hullo.model.claim import Claim, Rejection
from hullo.model.outcome import Outcome
from hullo.pipeline.identify import Identify
from hullo.pipeline.repeat import Repeatable, Replayed

KEY_LONGEST: Final = 255


async def identify(exchange: Exchange) -> Answer:
    """`POST /v1/identify`. Observers are told of whatever refuses it."""
    try:
        return await _identify(exchange)
    except HulloError as refused:
        await exchange.edge.tell_refused(refused, exchange.app_key, exchange.request_id)
        raise


async def _identify(exchange: Exchange) -> Answer:
    raw = await exchange.body()
    body = identify_body(raw, exchange.edge.hullo.settings.limits)
    caller = await exchange.caller(body.envelope)
    if caller.session is not None and caller.app_key is None:
        raise SessionRevoked
    work = _work(exchange, caller, body.claim)
    key = _idempotency_key(exchange)
    if key is None:
        outcome = await exchange.edge.do(work, verifying=True)
        return told(outcome_shape(outcome, outcome.session_token))
    answer = await exchange.edge.do(_once(exchange, caller, work, key, raw), verifying=True)
    if isinstance(answer, Replayed):
        first, request_id = with_session_token(answer.body, answer.session_token)
        return Answer(body=first, request_id=request_id)
    return told(outcome_shape(answer, answer.session_token))


def _work(exchange: Exchange, caller: Caller, claim: Claim) -> Identify:
    hullo = exchange.edge.hullo
    return Identify(
        claim=claim,
        app_key=caller.app_key,
        session=caller.session,
        origin=exchange.origin,
        moment=exchange.moment,
        request_id=exchange.request_id,
        hooks=hullo.hooks,
        limits=hullo.settings.limits,
    )


def _once(exchange: Exchange, caller: Caller, work: Identify, key: str, raw: bytes) -> Repeatable[Outcome]:
    client = exchange.scope.get("client")
    return Repeatable(
        work=work,
        key=key,
        caller=caller.session or (str(client[0]) if client else ""),
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
