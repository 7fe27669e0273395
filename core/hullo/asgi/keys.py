"""Servers that call with an API key, and what theirs may do."""

from __future__ import annotations

from hullo.asgi.exchange import Exchange
from hullo.asgi.scope import API_KEY_PREFIX, bearer
from hullo.errors import Forbidden, KeyRequired
from hullo.model.app import ApiKey, Scope
from hullo.model.moment import secret_digest


async def presented_key(exchange: Exchange) -> ApiKey | None:
    """The caller's key; None when it presents none, or none that is valid. The store is asked once for a valid one."""
    secret = bearer(exchange.headers)
    if exchange.api_key is None and secret is not None and secret.startswith(API_KEY_PREFIX):
        digest = secret_digest(secret)
        key = await exchange.edge.read(lambda store: store.find_api_key(digest))
        exchange.api_key = key if key is not None and key.revoked_at is None else None
    return exchange.api_key


async def api_key(exchange: Exchange, scope: Scope) -> ApiKey:
    """The caller's key. Raises `KeyRequired`, and `Forbidden` for one without that scope."""
    key = await presented_key(exchange)
    if key is None:
        raise KeyRequired
    if scope not in key.scopes:
        raise Forbidden(f"this API key lacks the scope {scope}")
    return key


async def workspace_key(exchange: Exchange, scope: Scope, why: str) -> ApiKey:
    """The same, for what no key of one app may do, and `why`. Raises `Forbidden` for such a key too."""
    key = await api_key(exchange, scope)
    if key.app_id is not None:
        raise Forbidden(f"this API key belongs to one app, and {why}")
    return key
