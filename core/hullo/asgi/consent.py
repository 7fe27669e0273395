"""The visitor's answer to whether they may be remembered, over HTTP."""

from __future__ import annotations

from hullo.asgi.answer import Answer
from hullo.asgi.exchange import Exchange
from hullo.asgi.sessions import attend, nobody
from hullo.asgi.wire import consent_body
from hullo.pipeline.privacy.withdraw import Withdraw


async def answer_consent(exchange: Exchange) -> Answer:
    """`POST /v1/consent`: yes begins a session, or goes on with it; no ends it."""
    envelope, granted = consent_body(await exchange.body())
    if granted:
        return (await attend(exchange, "join", envelope)).answer
    caller = await exchange.caller(envelope)
    await exchange.edge.do(
        Withdraw(
            app_key=caller.app_key,
            session=caller.session,
            origin=exchange.origin,
            moment=exchange.moment,
        )
    )
    return await nobody(exchange)
