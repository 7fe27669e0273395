"""Servers that call with an API key, and what theirs may do."""

from __future__ import annotations

from hullo.asgi.exchange import Exchange
from hullo.asgi.scope import API_KEY_PREFIX, bearer
from hullo.errors import Forbidden, KeyRequired
from hullo.model.app import ApiKey, Scope
from hullo.model.moment import secret_digest


async def api_key(exchange: Exchange, scope: Scope) -> ApiKey:
    """The caller's key. Raises `KeyRequired`, and `Forbidden` for one without that scope."""
    secret = bearer(exchange.headers)
    if secret is None or not secret.startswith(API_KEY_PREFIX):
        raise KeyRequired
    digest = secret_digest(secret)
    key = await exchange.edge.read(lambda store: store.find_api_key(digest))
    if key is None or key.revoked_at is not None:
        raise KeyRequired
    if scope not in key.scopes:
        raise Forbidden(f"this API key lacks the scope {scope}")
    return key
