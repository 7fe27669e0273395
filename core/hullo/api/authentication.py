"""Authentication and authorisation of API keys."""

from __future__ import annotations

from hullo.api.request import Request
from hullo.asgi.scope import API_KEY_PREFIX, bearer_token
from hullo.errors import Forbidden, KeyRequired
from hullo.model.app import ApiKey, Scope
from hullo.model.request_context import secret_digest


async def load_api_key(request: Request) -> ApiKey | None:
    """Load the caller's key; None for none, or an invalid one. A valid key is loaded once per request."""
    secret = bearer_token(request.headers)
    if request.api_key is None and secret is not None and secret.startswith(API_KEY_PREFIX):
        digest = secret_digest(secret)
        key = await request.runtime.read(lambda store: store.find_api_key(digest))
        # A revoked key is as unknown as one that never was.
        request.api_key = key if key is not None and key.revoked_at is None else None
    return request.api_key


async def require_api_key(request: Request, scope: Scope) -> ApiKey:
    """Return the caller's key. Raises `KeyRequired`, and `Forbidden` without that scope."""
    key = await load_api_key(request)
    if key is None:
        raise KeyRequired
    # Only valid keys get here, so this tells a stranger nothing.
    if scope not in key.scopes:
        raise Forbidden(f"this API key lacks the scope {scope}")
    return key


async def require_workspace_key(request: Request, scope: Scope, reason: str) -> ApiKey:
    """Return the caller's key if it is for the whole workspace. Raises `Forbidden`, with the `reason`, for a key of one
    app."""
    key = await require_api_key(request, scope)
    if key.app_id is not None:
        raise Forbidden(f"this API key belongs to one app, and {reason}")
    return key
