"""The origin that hullo itself is served from, as the browser sees it."""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

from hullo.asgi.address import TrustedProxies
from hullo.asgi.scope import Headers
from hullo.rules.origins import normalise_origin

_SCHEMES: Final = {"ws": "http", "wss": "https"}


def is_own_origin(scope: Scope, headers: Headers, trusted: TrustedProxies) -> bool:
    """Return whether the page that calls has hullo's own scheme, host and port.

    Behind a proxy these are those of `X-Forwarded-Proto` and `X-Forwarded-Host`, from a listed proxy only.
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    page_host = origin.partition("://")[2].lower()
    is_forwarded = bool(trusted) and trusted.is_trusted_peer(scope)
    host = (_forwarded(headers, b"x-forwarded-host") if is_forwarded else None) or headers.get(b"host", b"")
    # Compared as text first: the pages of most calls have another host, and need no parser. The default port may stand
    # in one of the two.
    if page_host.partition(":")[0] != host.decode("latin-1").lower().partition(":")[0] or not page_host:
        return False
    scheme: str = scope.get("scheme", "http")
    proto = _forwarded(headers, b"x-forwarded-proto") if is_forwarded else None
    scheme = proto.decode("latin-1").lower() if proto else _SCHEMES.get(scheme, scheme)
    own = normalise_origin(f"{scheme}://{host.decode('latin-1')}")
    return own is not None and own == normalise_origin(origin)


def _forwarded(headers: Headers, name: bytes) -> bytes | None:
    """Return what the nearest proxy says: the last value, as each appends its own."""
    value = headers.get(name)
    return value.rpartition(b",")[2].strip() if value else None
