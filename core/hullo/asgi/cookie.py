"""The session as a cookie, for pages on hullo's own host: kept where no script can read it (S, `Settings.cookie`).

CSRF-safe by construction: hullo's own API takes a cookie from pages of its own origin only, whatever the browser sends
along. Elsewhere the session is a bearer token, which no browser sends by itself.
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
"""Browsers take it over TLS only, and only from this very host: no sub-domain can plant one (RFC 6265bis, 4.1.3.2)."""
PLAIN_COOKIE: Final = b"hullo_session"
"""What a host may set by itself, and what is used where there is no TLS."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def any_cookie_token(scope: Scope) -> str | None:
    """The token that a browser sends along, to tell the host's own routes who that is."""
    for name in (HOST_COOKIE, PLAIN_COOKIE):
        token = _session_token(scope, name)
        if token is not None:
            return token
    return None


def cookie_token(scope: Scope, headers: Headers, settings: SessionCookie) -> str | None:
    """The token in the cookie that `session_cookie` sets here, and in no other.

    A sub-domain can plant a plain cookie: were it taken, whoever planted it would share the session that a visitor goes
    on to prove (session fixation).
    """
    return _session_token(scope, _cookie_name(headers, settings))


def session_cookie_header(headers: Headers, settings: SessionCookie, token: str) -> Header:
    """The header that keeps the token. It lasts as long as a session may; a session that ends earlier is refused."""
    return _set_cookie(headers, settings, token, SESSION_LIFETIME // SECOND)


def expired_cookie_header(headers: Headers, settings: SessionCookie) -> Header:
    """The header that takes the cookie away."""
    return _set_cookie(headers, settings, "", 0)


def is_same_origin(scope: Scope, headers: Headers) -> bool:
    """Whether a page of this very host calls.

    Browsers say so themselves: by `Origin` wherever something could be changed, else by `Sec-Fetch-Site`. A call that
    only reads and has neither is an older browser's: whoever made it do so from elsewhere cannot read the answer.
    """
    origin = headers.get(b"origin")
    if origin is not None:
        said = origin.decode("latin-1")
        return said.startswith(("http://", "https://")) and said.partition("://")[2].lower() == _host(headers) != ""
    if scope["method"] not in _SAFE_METHODS:
        return False
    return headers.get(b"sec-fetch-site", b"same-origin") in {b"same-origin", b"none"}


def _set_cookie(headers: Headers, settings: SessionCookie, value: str, seconds: int) -> Header:
    name = _cookie_name(headers, settings)
    parts = [
        f"{name.decode()}={value}",
        f"Max-Age={seconds}",
        "Path=/",
        "HttpOnly",
        f"SameSite={settings.same_site.capitalize()}",
        *(["Secure"] if name == HOST_COOKIE else []),
    ]
    return b"set-cookie", "; ".join(parts).encode("latin-1")


def _cookie_name(headers: Headers, settings: SessionCookie) -> bytes:
    insecure = settings.insecure or is_loopback(f"http://{_host(headers)}")
    return PLAIN_COOKIE if insecure else HOST_COOKIE


def _session_token(scope: Scope, name: bytes) -> str | None:
    token = read_cookie(scope, name)
    return token if token is not None and token.startswith(SESSION_PREFIX) else None


def _host(headers: Headers) -> str:
    """Name and port as the browser has them."""
    return headers.get(b"host", b"").decode("latin-1").lower()
