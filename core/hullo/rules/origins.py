"""Origins that may call an app. Enforced here: CORS headers only instruct browsers."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

import idna

from hullo.errors import BadOrigin
from hullo.model.app import App

WILDCARD: Final = "://*."
"""Start of a pattern for all sub-domains, after its scheme."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_APP_SCHEMES: Final = frozenset({"capacitor", "ionic", "tauri", "chrome-extension"})
"""Of pages in web views of apps, and in extensions. Not `moz-extension`, whose hosts differ in each browser: such an
origin can be listed for no site, and would name a person."""

# Underscores are no valid host names (RFC 952), but browsers send such origins and people run such hosts.
_HOST_PATTERN: Final = re.compile(
    r"(?:[a-z0-9_]|[a-z0-9_][a-z0-9_-]*[a-z0-9_])(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?"
)


def check_origin(origin: str | None, app: App) -> None:
    """Check the caller's origin. Raises `BadOrigin` for one that the app does not list. None (no page) passes: it needs
    proof."""
    # Servers send no Origin header, so its absence proves nothing and refuses nothing.
    if origin is not None and not is_origin_allowed(origin, app):
        raise BadOrigin(
            "this page's origin is not on the app's list; 'hullo app set APP_KEY origins=https://…' changes it"
        )


def is_origin_allowed(origin: str, app: App) -> bool:
    """Return whether a page of this origin may call the app. An app without a list accepts loopback origins only."""
    # A new app works on a developer's machine, and from no site on the internet.
    if not app.origins:
        return is_loopback(origin)
    page = normalise_origin(origin)
    if page is None:
        return False
    # Exact matches first: most apps list no wildcard.
    return page in app.origins or any(_is_subdomain(page, pattern) for pattern in app.origins if WILDCARD in pattern)


def parse_origin_pattern(text: str) -> str | None:
    """Parse an entry of an app's list: an origin, or `https://*.example.com` for every sub-domain of a domain, at any
    depth, without the domain itself. None for anything else; a star stands for whole labels, and only first."""
    scheme, found, rest = text.partition(WILDCARD)
    if not found:
        return normalise_origin(text)
    domain = normalise_origin(f"{scheme}://{rest}") if scheme.lower() in _DEFAULT_PORTS else None
    # A second star could match a domain that the site does not own.
    if domain is None or "*" in rest or not _can_have_subdomains(urlsplit(domain).hostname or ""):
        return None
    # Rebuilt from the normalised domain, so that a comparison needs text only.
    return domain.replace("://", WILDCARD, 1)


def _is_subdomain(page: str, pattern: str) -> bool:
    scheme, _, domain = pattern.partition(WILDCARD)
    # The dot matters: without it `evil-example.com` would be a sub-domain of `example.com`.
    return page.startswith(f"{scheme}://") and page.endswith(f".{domain}")


def _can_have_subdomains(host: str) -> bool:
    """Return whether a host has at least two labels, or is `localhost`: `*.com` belongs to no site, an IP address has
    no sub-domains."""
    if host == "localhost":
        return True
    labels = host.rstrip(".").split(".")
    # A last label of digits is an IPv4 address; a colon is an IPv6 one.
    return len(labels) > 1 and not labels[-1].isdigit() and ":" not in host


def normalise_origin(origin: str) -> str | None:
    """Normalize an origin to the form that browsers send: scheme, lower-case ASCII host, and a port that is not the
    default.

    None for text that is no origin: `null`, a path, credentials, a scheme of neither pages nor web views of apps.
    """
    try:
        parts = urlsplit(origin)
        # `urlsplit` checks the port only when it is read, and raises `ValueError` then.
        port = parts.port
        host = _normalise_host(parts.hostname or "")
    except ValueError:
        return None
    if host is None or not (parts.scheme in _DEFAULT_PORTS or parts.scheme in _APP_SCHEMES):
        return None
    # Browsers send no path or credentials in Origin (RFC 6454): such text was not made by one.
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    # Browsers leave out the default port, so `:443` in a list must equal its absence.
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, _DEFAULT_PORTS.get(parts.scheme)} else "")


def _normalise_host(name: str) -> str | None:
    """Normalize a host. Raises `ValueError` for an address or a name that is not valid; None for one with other
    characters."""
    if ":" in name:
        # One address has many spellings; the compressed one (RFC 5952) is what browsers send.
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    if not name.isascii():
        # UTS 46 is the mapping that browsers apply, so `Straße.de` as typed becomes what they send.
        name = idna.encode(name, uts46=True).decode()
    return name if _HOST_PATTERN.fullmatch(name) else None


def is_loopback(origin: str) -> bool:
    """Match `localhost`, a name under `.localhost` (RFC 6761), 127.0.0.0/8 or ::1, on any port."""
    # First the form: text with a path or another scheme is no page's origin, also on a loopback host. An app's web view
    # calls itself `localhost` on every phone.
    page = normalise_origin(origin)
    if page is None or page.partition("://")[0] not in _DEFAULT_PORTS:
        return False
    host = urlsplit(origin).hostname or ""
    # By name, not by resolving it: a resolver may answer what an attacker wants.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
