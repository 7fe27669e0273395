"""Tokens that carry a visitor's identity to another site, over HTTP (T1)."""

from __future__ import annotations

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Exchange
from hullo.asgi.wire import identity_token_body
from hullo.model.instant import SECOND
from hullo.model.token_claims import HOP_LIFE
from hullo.pipeline.hop import IssueToken


async def issue_token(exchange: Exchange) -> Answer:
    """`POST /v1/identity-token`"""
    hullo = exchange.edge.hullo
    body = identity_token_body(await exchange.body() or b"{}")
    visitor = await exchange.resumed(body.envelope)
    work = IssueToken(visitor=visitor, audience=body.audience, to=body.to, hooks=hullo.hooks)
    token = await exchange.edge.do(work)
    return told(
        {"token": token, "expires_in": HOP_LIFE // SECOND, "parameter": hullo.settings.hop_parameter},
    )
