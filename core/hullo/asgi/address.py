"""Who is at the other end: the peer, or whoever the proxies say that they speak for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from starlette.types import Scope

from hullo.settings import UNIX_SOCKET

Address = IPv4Address | IPv6Address

ADDRESS_MAX_LENGTH: Final = 45
"""Characters of an IPv6 address whose last part is written as IPv4; no address is longer."""
_PORT: Final = re.compile(r":[0-9]{1,5}")
_IPV6_PREFIX_BITS: Final = 64
"""Of an IPv6 address: everybody has at least the rest of it to themselves (RFC 6177)."""


class TrustedProxies:
    """Whose X-Forwarded-For is believed: the listed addresses and networks, and with `unix` any Unix socket."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self.unix = UNIX_SOCKET in entries
        self._networks = tuple(ip_network(each) for each in entries if each != UNIX_SOCKET)

    def __bool__(self) -> bool:
        return self.unix or bool(self._networks)

    def trusts(self, address: Address) -> bool:
        """Whether it is listed."""
        return any(address in network for network in self._networks)

    def is_trusted_peer(self, scope: Scope) -> bool:
        """Whether the peer itself is listed."""
        host = _peer(scope)
        if host is None:
            return self.unix
        address = _parse_address(host)
        return address is not None and self.trusts(address)


def client_address(scope: Scope, trusted: TrustedProxies) -> str:
    """The address of the client; empty for a Unix socket whose other end nobody vouches for.

    It is the peer's. From a trusted peer X-Forwarded-For is read from the right, since every proxy adds whom it
    speaks for at that end: the first that is not trusted itself is the client, and what stands left of it anybody may
    have written. What is no address ends the walk at the last that was one. An IPv4 address is written as such even
    where a dual-stack socket shows it as IPv6.
    """
    host = _peer(scope)
    client = "" if host is None else _normalized_host(host)
    if not trusted or not trusted.is_trusted_peer(scope):
        return client
    for entry in reversed(_forwarded(scope)):
        address = _parse_entry(entry)
        if address is None:
            break
        client = str(address)
        if not trusted.trusts(address):
            break
    return client


def rate_limit_key(address: str) -> str:
    """What the address is counted as: an IPv6 address as its /64, anything else as it is."""
    if ":" not in address:
        return address
    read = _parse_address(address)
    if not isinstance(read, IPv6Address):
        return address if read is None else str(read)
    return f"{IPv6Address(int(read) >> _IPV6_PREFIX_BITS << _IPV6_PREFIX_BITS)}/{_IPV6_PREFIX_BITS}"


def _peer(scope: Scope) -> str | None:
    """None for a Unix socket, whose other end has no address."""
    client = scope.get("client")
    return str(client[0]) if client else None


def _normalized_host(host: str) -> str:
    if ":" not in host:
        return host
    address = _parse_address(host)
    return host if address is None else str(address)


def _forwarded(scope: Scope) -> list[str]:
    """A header that is sent in several lines is one list (RFC 9110, section 5.3)."""
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return b",".join(lines).decode("latin-1").split(",") if lines else []


def _parse_entry(text: str) -> Address | None:
    """`192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`; None for anything else."""
    text = text.strip(" \t")
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        if "[" + host + "]" + port != text or ":" not in host:
            return None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        port = f":{port}"
    else:
        host, port = text, ""
    if len(host) > ADDRESS_MAX_LENGTH or "%" in host or (port and not _PORT.fullmatch(port)):
        return None
    return _parse_address(host)


@lru_cache(maxsize=4096)
def _parse_address(text: str) -> Address | None:
    """The address without a zone; IPv4 for one that is mapped into IPv6 (RFC 4291, section 2.5.5.2)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))
