"""CORS headers: which pages may read a response. The origin check of the call itself is in the operations."""

from __future__ import annotations

import re
from typing import Final

from hullo.api.request import Request
from hullo.asgi.response import NO_CONTENT, Header, Response
from hullo.errors import BadOrigin, HulloError, RateLimited, UnknownApp
from hullo.rules.origins import is_origin_allowed
from hullo.store.protocol import Store

VARY: Final[Header] = (b"vary", b"Origin")
_EXPOSED: Final[Header] = (b"access-control-expose-headers", b"X-Request-Id, Retry-After")
_ALLOWED_HEADERS: Final = b"Authorization, Content-Type, X-Hullo-App, Idempotency-Key"
_MAX_REQUESTED_HEADERS: Final = 64
_MAX_REQUESTED_LENGTH: Final = 2048
_HEADER_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110 §5.6.2."""
_PREFLIGHT: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", b"GET, POST"),
    # Two hours, which is as long as Chromium keeps a preflight.
    (b"access-control-max-age", b"7200"),
)


async def cors_headers(request: Request, error: Exception | None) -> tuple[Header, ...]:
    """Build the headers that let the page read the response, or at least keep caches from sharing it.

    A successful call was checked against the app's list. An error is readable for pages that the named app lists; if
    the call failed before its app was known, for pages that any app lists.
    """
    origin = request.headers.get(b"origin")
    if origin is None or (error is not None and not await _may_read_error(request, error)):
        # `Vary` even so: a cache must not give one origin what it kept for another.
        return (VARY,)
    # No `Access-Control-Allow-Credentials`: cookies are for pages of this host alone.
    return ((b"access-control-allow-origin", origin), _EXPOSED, VARY)


async def preflight_response(request: Request) -> Response:
    """Build the response to a preflight, which does not name the app. Raises `BadOrigin`."""
    if not await _any_app_allows_origin(request):
        raise BadOrigin("no app lists this page's origin; 'hullo app set APP_KEY origins=https://…' changes it")
    origin = request.headers[b"origin"]
    headers = (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-headers", _allowed_headers(request)),
        *_PREFLIGHT,
        VARY,
    )
    # Chromium asks this before a public page may call a private network (Private Network Access).
    if request.headers.get(b"access-control-request-private-network") == b"true":
        headers = (*headers, (b"access-control-allow-private-network", b"true"))
    return Response(body=b"", status=NO_CONTENT, headers=headers)


def _allowed_headers(request: Request) -> bytes:
    """Return hullo's own headers and those that the preflight asks for: tracing tools add theirs to every call of a
    page, which the browser would else block. None of them changes what a listed page may do."""
    requested = request.headers.get(b"access-control-request-headers", b"")
    names = [name.strip() for name in requested.split(b",")]
    # Names only, and not too many: what is sent back must not become another header, or a large response.
    if len(requested) > _MAX_REQUESTED_LENGTH or len(names) > _MAX_REQUESTED_HEADERS:
        return _ALLOWED_HEADERS
    own = {name.lower() for name in _ALLOWED_HEADERS.split(b", ")}
    added = [name for name in dict.fromkeys(names) if _HEADER_NAME.fullmatch(name) and name.lower() not in own]
    return b", ".join([_ALLOWED_HEADERS, *added])


async def _may_read_error(request: Request, error: Exception) -> bool:
    # These pages are listed by no app, or name none that exists: they may read nothing.
    if isinstance(error, (BadOrigin, UnknownApp)):
        return False
    try:
        app = request.runtime.hullo.executor.apps.cached(request.app_key)
        if isinstance(error, RateLimited) and app is None:
            # A caller over its limit must not cause a store query with each call.
            origin = request.header(b"origin") or ""
            return await request.runtime.rate_limiter.origins.is_listed(origin, lambda: _any_app_allows_origin(request))
        if request.app_key is None:
            return await _any_app_allows_origin(request)
        if app is None:
            named = request.app_key
            app = await request.runtime.read(lambda store: store.find_app(named))
    except HulloError:  # the store is unavailable too: the page learns only that the call failed
        return False
    return app is not None and is_origin_allowed(request.header(b"origin") or "", app)


async def _any_app_allows_origin(request: Request) -> bool:
    origin = request.header(b"origin")
    if origin is None:
        return False

    def is_listed(store: Store) -> bool:
        return any(is_origin_allowed(origin, app) for app in store.list_apps())

    return await request.runtime.read(is_listed)
