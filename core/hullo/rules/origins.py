"""Which pages may call which app. Enforced here, not by CORS headers, which only tell browsers."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

import idna

from hullo.errors import BadOrigin
from hullo.model.app import App

WILDCARD: Final = "://*."
"""How an origin begins, after its scheme, that stands for every sub-domain."""

_HOST_PATTERN: Final = re.compile(
    r"(?:[a-z0-9_]|[a-z0-9_][a-z0-9_-]*[a-z0-9_])(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?"
)


def check_origin(origin: str | None, app: App) -> None:
    """Raises `BadOrigin` for a page that the app does not list. None is no page, and is judged by its proof."""
    if origin is not None and not is_origin_allowed(origin, app):
        raise BadOrigin(
            "this page's origin is not on the app's list; 'hullo app set APP_KEY origins=https://…' changes it"
        )


def is_origin_allowed(origin: str, app: App) -> bool:
    """Whether a page of this origin may call the app. An app that lists none takes loopback origins only."""
    if not app.origins:
        return is_loopback(origin)
    page = normalise_origin(origin)
    if page is None:
        return False
    return page in app.origins or any(_is_subdomain(page, each) for each in app.origins if WILDCARD in each)


def parse_origin_pattern(text: str) -> str | None:
    """What an app may list: an origin, or `https://*.example.com` for every sub-domain of a domain, at any depth, and
    not for the domain itself. None for anything else; a star stands for whole labels, and only first.
    """
    scheme, found, rest = text.partition(WILDCARD)
    if not found:
        return normalise_origin(text)
    domain = normalise_origin(f"{scheme}://{rest}")
    if domain is None or "*" in rest or not _can_have_subdomains(urlsplit(domain).hostname or ""):
        return None
    return domain.replace("://", WILDCARD, 1)


def _is_subdomain(page: str, pattern: str) -> bool:
    scheme, _, domain = pattern.partition(WILDCARD)
    return page.startswith(f"{scheme}://") and page.endswith(f".{domain}")


def _can_have_subdomains(host: str) -> bool:
    """A name of at least two labels, or `localhost`: nobody owns all of `.com`, and an address has none."""
    if host == "localhost":
        return True
    labels = host.rstrip(".").split(".")
    return len(labels) > 1 and not labels[-1].isdigit() and ":" not in host


def normalise_origin(origin: str) -> str | None:
    """The origin as browsers send it: scheme, lower-case host with its letters in ASCII, port unless it is the
    scheme's own.

    None for what is no origin: `null`, a path, credentials, another scheme than http or https.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port
        host = _normalise_host(parts.hostname or "")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or host is None:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def _normalise_host(name: str) -> str | None:
    """Raises `ValueError` for an address or a name that cannot be one."""
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode()
    return name if _HOST_PATTERN.fullmatch(name) else None


def is_loopback(origin: str) -> bool:
    """`localhost`, a name under `.localhost` (RFC 6761), 127.0.0.0/8 or ::1, on any port."""
    if normalise_origin(origin) is None:
        return False
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
