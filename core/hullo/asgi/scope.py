"""Fast readers of an ASGI scope, needed on every request of the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.types import Scope

from hullo.operations.admin import register
from hullo.rules import session_lifecycle

SESSION_PREFIX: Final = f"{session_lifecycle.SESSION_PREFIX}_"
API_KEY_PREFIX: Final = f"{register.API_KEY_PREFIX}_"

Headers = Mapping[bytes, bytes]

_PURPOSE_HEADERS: Final = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_AHEAD: Final = (b"prefetch", b"prerender", b"preview", b"instant")

_IN_PATH: Final = "/:@!$&'()*+,;=~"
"""Characters that stand for themselves in a path (RFC 3986 §3.3), beside letters, digits and `_.-`."""


def route_path(scope: Scope) -> str:
    """Return the path below the mount point, by the rule that Starlette keeps private."""
    path: str = scope["path"]
    root_path: str = scope.get("root_path", "")
    if not root_path or not path.startswith(root_path):
        return path
    rest = path[len(root_path) :]
    # `/hullofoo` is not below a mount at `/hullo`.
    return rest if rest[:1] in {"", "/"} else path


def address_path(scope: Mapping[str, Any]) -> str:
    """Return the page's path as the client's address has it: percent-encoded, and below every proxy and mount.

    Always a path of the same host: it begins with one slash, and has no backslash.
    """
    raw: bytes | None = scope.get("raw_path")
    # `path` is decoded, and `%2F` in it is a slash. Servers need not send `raw_path` (ASGI HTTP); some add the query.
    path = raw.partition(b"?")[0] if raw is not None else quote(scope["path"], safe=_IN_PATH).encode()
    # `app_root_path`: before Starlette's mounts, which add to `root_path` and change neither path.
    root_path = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
    decoded = unquote(path.decode("latin-1"))
    if root_path and decoded != root_path and not decoded.startswith(f"{root_path}/"):
        # A proxy has stripped the prefix, and the server may have put it back before `path` alone.
        added = scope["path"].removesuffix(decoded) if decoded else ""
        prefix = added if added and root_path.startswith(added) else root_path
        path = quote(prefix, safe=_IN_PATH).encode() + b"/" + path.removeprefix(b"/")
    # Browsers read `//` and `/\\` at the start as another host.
    return "/" + quote(path, safe=f"{_IN_PATH}%").lstrip("/")


def read_headers(scope: Scope) -> Headers:
    """Read the headers by lower-case name; of a repeated header, the last."""
    # ASGI servers give the names in lower case already, so nothing is converted on this path.
    return dict(scope["headers"])


def is_prefetch(headers: Headers) -> bool:
    """Return whether the browser loads a page ahead of a click, or renders it for a preview: no visitor has opened it.

    `Sec-Purpose` is the standard (Fetch §3.8); the others are of older browsers.
    """
    stated = (headers.get(name, b"").lower() for name in _PURPOSE_HEADERS)
    return any(purpose in value for value in stated for purpose in _AHEAD)


def bearer_token(headers: Headers) -> str | None:
    """Read the bearer token (RFC 6750 §2.1) of any kind; None without one."""
    value = headers.get(b"authorization")
    # The scheme is case-insensitive (RFC 9110 §11.1).
    if value is None or value[:7].lower() != b"bearer ":
        return None
    # latin-1 decodes every byte: bytes that are no token are refused later, as any unknown token is.
    return value[7:].strip().decode("latin-1") or None


def read_cookie(scope: Scope, name: bytes) -> str | None:
    """Find the first cookie of that name. HTTP/2 clients may send each in its own header (RFC 9113 §8.2.3)."""
    for header, value in scope["headers"]:
        if header == b"cookie":
            for pair in value.split(b";"):
                key, _, text = pair.strip().partition(b"=")
                if key == name:
                    # The first wins: browsers send the cookie of the longest path first (RFC 6265 §5.4).
                    return text.decode("latin-1") or None
    return None
