"""Session cookie for pages on hullo's own host, which scripts cannot read (S, `Settings.cookie`).

Safe against CSRF by construction: hullo's API accepts the cookie only from pages of its own origin, regardless of what
the browser sends. Other pages use a bearer token, which no browser sends by itself.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

from hullo.asgi.response import Header
from hullo.asgi.scope import SESSION_PREFIX, Headers, read_cookie
from hullo.model.instant import SECOND
from hullo.model.visitor import SESSION_LIFETIME
from hullo.rules.origins import is_loopback
from hullo.settings import SessionCookie

HOST_COOKIE: Final = b"__Host-hullo_session"
"""Browsers accept it over TLS and from this host only: no sub-domain can plant one (RFC 6265bis §4.1.3.2)."""
PLAIN_COOKIE: Final = b"hullo_session"
"""Cookie of the host's own choice, and where there is no TLS."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def any_cookie_token(scope: Scope) -> str | None:
    """Read the session token of either cookie, for the host's own routes."""
    # The `__Host-` cookie first: a sub-domain can plant the plain one, but not this.
    for name in (HOST_COOKIE, PLAIN_COOKIE):
        token = _session_token(scope, name)
        if token is not None:
            return token
    return None


def cookie_token(scope: Scope, headers: Headers, settings: SessionCookie) -> str | None:
    """Read the session token of the cookie that `session_cookie_header` sets here, and of no other.

    A sub-domain can plant a plain cookie: if it were accepted, the attacker would share the session that the visitor
    then proves (session fixation).
    """
    return _session_token(scope, _cookie_name(headers, settings))


def session_cookie_header(headers: Headers, settings: SessionCookie, token: str) -> Header:
    """Build the header that stores the token for the longest session lifetime; an ended session is refused anyway."""
    return _set_cookie(headers, settings, token, SESSION_LIFETIME // SECOND)


def expired_cookie_header(headers: Headers, settings: SessionCookie) -> Header:
    """Build the header that removes the cookie."""
    return _set_cookie(headers, settings, "", 0)


def is_same_origin(scope: Scope, headers: Headers) -> bool:
    """Return whether a page of this host makes the call.

    Browsers send `Origin` with every call that may change something, and `Sec-Fetch-Site` with others. A read without
    both comes from an older browser: a foreign page cannot read its response.
    """
    origin = headers.get(b"origin")
    if origin is not None:
        # The scheme is not compared: behind a proxy that ends TLS, hullo does not see the page's.
        page_origin = origin.decode("latin-1")
        return (
            # `null`, which sandboxed frames send, and the schemes of extensions are no page of this host.
            page_origin.startswith(("http://", "https://"))
            # Never equal when both are empty: an origin without a host must not match an absent Host header.
            and page_origin.partition("://")[2].lower() == _host(headers) != ""
        )
    # Browsers send `Origin` with every call that changes something: without it there is no cookie session (CSRF).
    if scope["method"] not in _SAFE_METHODS:
        return False
    # `none`: the visitor typed the address or opened a bookmark (Fetch Metadata).
    return headers.get(b"sec-fetch-site", b"same-origin") in {b"same-origin", b"none"}


def is_sent_from_same_origin(scope: Scope, headers: Headers) -> bool:
    """Return whether a form of this origin was sent. Browsers say so themselves; older ones by `Origin` alone."""
    # Before `Origin`: a proxy may write another Host, and this header is the browser's own comparison (Fetch Metadata).
    site = headers.get(b"sec-fetch-site")
    return site == b"same-origin" if site is not None else is_same_origin(scope, headers)


def _set_cookie(headers: Headers, settings: SessionCookie, value: str, seconds: int) -> Header:
    name = _cookie_name(headers, settings)
    parts = [
        f"{name.decode()}={value}",
        f"Max-Age={seconds}",
        # `__Host-` demands this path, Secure, and no Domain: browsers drop the cookie otherwise.
        "Path=/",
        "HttpOnly",
        f"SameSite={settings.same_site.capitalize()}",
        # Over plain HTTP a browser would drop a Secure cookie, and the session with it.
        *(["Secure"] if name == HOST_COOKIE else []),
    ]
    return b"set-cookie", "; ".join(parts).encode("latin-1")


def _cookie_name(headers: Headers, settings: SessionCookie) -> bytes:
    # Development on a loopback host has no TLS, which the `__Host-` cookie needs.
    insecure = settings.insecure or is_loopback(f"http://{_host(headers)}")
    return PLAIN_COOKIE if insecure else HOST_COOKIE


def _session_token(scope: Scope, name: bytes) -> str | None:
    token = read_cookie(scope, name)
    # Without the prefix it is no session token of hullo: not worth a query.
    return token if token is not None and token.startswith(SESSION_PREFIX) else None


def _host(headers: Headers) -> str:
    """Return host and port as the browser sent them."""
    return headers.get(b"host", b"").decode("latin-1").lower()
