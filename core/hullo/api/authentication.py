"""Servers that call with an API key, and what theirs may do."""

from __future__ import annotations

from hullo.api.request import Request
from hullo.asgi.scope import API_KEY_PREFIX, bearer_token
from hullo.errors import Forbidden, KeyRequired
from hullo.model.app import ApiKey, Scope
from hullo.model.request_context import secret_digest


async def load_api_key(request: Request) -> ApiKey | None:
    """The caller's key; None when it presents none, or none that is valid. The store is asked once for a valid one."""
    secret = bearer_token(request.headers)
    if request.api_key is None and secret is not None and secret.startswith(API_KEY_PREFIX):
        digest = secret_digest(secret)
        key = await request.runtime.read(lambda store: store.find_api_key(digest))
        request.api_key = key if key is not None and key.revoked_at is None else None
    return request.api_key


async def require_api_key(request: Request, scope: Scope) -> ApiKey:
    """The caller's key. Raises `KeyRequired`, and `Forbidden` for one without that scope."""
    key = await load_api_key(request)
    if key is None:
        raise KeyRequired
    if scope not in key.scopes:
        raise Forbidden(f"this API key lacks the scope {scope}")
    return key


async def require_workspace_key(request: Request, scope: Scope, reason: str) -> ApiKey:
    """The same, for what no key of one app may do, and `why`. Raises `Forbidden` for such a key too."""
    key = await require_api_key(request, scope)
    if key.app_id is not None:
        raise Forbidden(f"this API key belongs to one app, and {reason}")
    return key
