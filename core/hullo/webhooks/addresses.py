"""Addresses that may be posted to: https and public only. Else a webhook would open hullo's own network (SSRF)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from hullo.value import Value

MAX_URL_LENGTH: Final = 2048

Resolver = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host and port. Raises `OSError` for an unknown host."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All addresses that IANA hands out (RFC 4291, section 2.4). Special ranges that are defined later lie outside."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""Holds an IPv4 address in its last 32 bits, for networks without IPv4 (RFC 6052)."""
_NO_PUBLIC_ADDRESS: Final = "has a host without a public address; correct the name, or make it public"
_SPECIAL_NETWORKS: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("3fff::/20"))
"""Special addresses of IANA's registers that `is_global` takes for public in some supported Pythons."""


class UnusableUrl(Exception):
    """A URL that may not be posted to. The message completes "the URL …", for the person who creates the webhook."""


class Target(Value):
    """The parts of a URL that may be posted to, as far as its text shows."""

    secure: bool
    host: str
    port: int
    path: str
    """Includes the query."""


def parse_url(url: str, *, development: bool) -> Target:
    """Split a URL. Raises `UnusableUrl`. In development http is allowed too."""
    # Before `urlsplit`, which strips line breaks and tabs: the URL that is checked must be the URL that is posted to.
    if len(url) > MAX_URL_LENGTH:
        raise UnusableUrl(f"is longer than {MAX_URL_LENGTH} characters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise UnusableUrl("holds characters that no URL may hold; write it as a browser's address bar copies it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableUrl("is no URL") from None
    # Development may post to a receiver on the same machine, which has no certificate.
    if parts.scheme != "https" and not (development and parts.scheme == "http"):
        raise UnusableUrl("must begin with https://")
    # A password in a URL would be shown in lists and logs (P4).
    if parts.username is not None or parts.password is not None:
        raise UnusableUrl("holds a user name or a password; what proves that a message is ours is its signature")
    # Port 0 means any free port, and no receiver listens there.
    if not parts.hostname or port == 0:
        raise UnusableUrl("names no host")
    if parts.fragment:
        raise UnusableUrl("holds a fragment (#), which is sent to nobody")
    secure = parts.scheme == "https"
    path = parts.path or "/"
    return Target(
        secure=secure,
        host=parts.hostname,
        port=port or (443 if secure else 80),
        path=f"{path}?{parts.query}" if parts.query else path,
    )


def resolve_public(target: Target, resolver: Resolver, *, development: bool) -> Sequence[str]:
    """Resolve the host to all its addresses. Raises `UnusableUrl` if one is not public.

    One private address is enough to refuse: the owner of the name decides which address is used. In development
    loopback addresses are allowed. The reason is the same for a name that is not known: the difference would tell the
    names of hullo's own network.
    """
    try:
        # Without repeats: each address gets a share of the time to connect.
        found = tuple(dict.fromkeys(resolver(target.host, target.port)))
    # `UnicodeError`: a label that is too long for IDNA fails before any lookup.
    except (OSError, UnicodeError):
        found = ()
    if not found:
        raise UnusableUrl(_NO_PUBLIC_ADDRESS)
    for text in found:
        # Judged as IPv4: else a private address could hide inside a public IPv6 one.
        address = _embedded_ipv4(ip_address(text))
        if not (_is_public(address) or (development and address.is_loopback)):
            raise UnusableUrl(_NO_PUBLIC_ADDRESS)
    return found


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Ask this machine's resolver. Keeps the order in which it would try the addresses."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _embedded_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Find the IPv4 address that packets to this address end up at; else return the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        # RFC 6052, section 2.2: with a /96 prefix the last 32 bits are the IPv4 address.
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    # An allow list: private, link-local and loopback ranges lie outside it without being named.
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _SPECIAL_NETWORKS):
        return False
    # `is_global` alone takes multicast for public, and some reserved ranges.
    return address.is_global and not address.is_multicast and not address.is_reserved
