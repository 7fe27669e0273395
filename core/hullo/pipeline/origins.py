"""Which pages may call which app. Enforced here, not by CORS headers, which only tell browsers."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from hullo.errors import BadOrigin
from hullo.model.app import App


def check_origin(origin: str | None, app: App) -> None:
    """Raises `BadOrigin` for a page that the app does not list. None is no page, and is judged by its proof."""
    if origin is not None and not allowed(origin, app):
        raise BadOrigin(
            "this page's origin is not on the app's list; 'hullo app set APP_KEY origins=https://…' changes it"
        )


def allowed(origin: str, app: App) -> bool:
    """Whether a page of this origin may call the app. An app that lists none takes loopback origins only."""
    if not app.origins:
        return is_loopback(origin)
    return normalised(origin) in app.origins


def normalised(origin: str) -> str | None:
    """The origin as browsers send it: scheme, lower-case host, port unless it is the scheme's own.

    None for what is no origin: `null`, a path, credentials, another scheme than http or https.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def is_loopback(origin: str) -> bool:
    """`localhost`, a name under `.localhost` (RFC 6761), 127.0.0.0/8 or ::1, on any port."""
    if normalised(origin) is None:
        return False
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
