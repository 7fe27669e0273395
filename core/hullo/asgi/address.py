"""Address of the client: the peer, or the client that trusted proxies forward for."""

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
"""Longest text of an address: IPv6 with its last part written as IPv4."""
_PORT: Final = re.compile(r":[0-9]{1,5}")
_IPV6_PREFIX_BITS: Final = 64
"""A subscriber gets at least a /64 (RFC 6177), so addresses in one count as one client."""


class TrustedProxies:
    """Proxies whose X-Forwarded-For is believed: the listed addresses and networks, and with `unix` any Unix socket."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        # Kept apart: a Unix socket has no address that a network could hold.
        self.unix = UNIX_SOCKET in entries
        self._networks = tuple(ip_network(entry) for entry in entries if entry != UNIX_SOCKET)

    def __bool__(self) -> bool:
        return self.unix or bool(self._networks)

    def trusts(self, address: Address) -> bool:
        """Return whether the address is listed."""
        return any(address in network for network in self._networks)

    def is_trusted_peer(self, scope: Scope) -> bool:
        """Return whether the peer is listed."""
        host = _peer(scope)
        if host is None:
            # A peer on a Unix socket has no address, so only the entry `unix` vouches for it.
            return self.unix
        return self.trusts_host(host)

    def trusts_host(self, host: str) -> bool:
        """Return whether the text is an address that is listed."""
        address = _parse_address(host)
        return address is not None and self.trusts(address)


def client_address(scope: Scope, trusted: TrustedProxies) -> str:
    """Determine the client's address; empty for a Unix socket without a trusted forwarding header.

    By default it is the peer's. From a trusted peer X-Forwarded-For is read from the right, where each proxy appends
    its client: the first untrusted address is the client, and anything left of it may be forged. Text that is no
    address ends the walk at the last address. An IPv4 address is returned as such even where a dual-stack socket maps
    it to IPv6.
    """
    host = _peer(scope)
    client = "" if host is None else _normalized_host(host)
    # From any other peer the header is the caller's own text: with it, a caller would choose its rate limit key.
    if not trusted or not trusted.is_trusted_peer(scope):
        return client
    for entry in reversed(_forwarded(scope)):
        address = _parse_entry(entry)
        if address is None:
            break
        # Set before the check: where every entry is a listed proxy, the leftmost is the client.
        client = str(address)
        if not trusted.trusts(address):
            break
    return client


def rate_limit_key(address: str) -> str:
    """Return the key under which an address is counted: an IPv6 address as its /64, anything else unchanged."""
    # Without a colon it is IPv4 or empty: most calls need no parser here.
    if ":" not in address:
        return address
    read = _parse_address(address)
    if not isinstance(read, IPv6Address):
        # IPv4 mapped into IPv6 counts as the IPv4 address: all of it shares one /64.
        return address if read is None else str(read)
    return f"{IPv6Address(int(read) >> _IPV6_PREFIX_BITS << _IPV6_PREFIX_BITS)}/{_IPV6_PREFIX_BITS}"


def _peer(scope: Scope) -> str | None:
    """Return the peer's host; None for a Unix socket, which has no address."""
    client = scope.get("client")
    return str(client[0]) if client else None


def _normalized_host(host: str) -> str:
    if ":" not in host:
        return host
    address = _parse_address(host)
    return host if address is None else str(address)


def _forwarded(scope: Scope) -> list[str]:
    """Split X-Forwarded-For. Several header lines are one list (RFC 9110 §5.3)."""
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    # latin-1 decodes every byte: no header can make this raise.
    return b",".join(lines).decode("latin-1").split(",") if lines else []


def _parse_entry(text: str) -> Address | None:
    """Parse `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`; None for anything else."""
    text = text.strip(" \t")
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        # Put together again, since `partition` hides a missing bracket.
        if "[" + host + "]" + port != text or ":" not in host:
            return None
    # One colon is a port behind IPv4; several are IPv6 without a port.
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        port = f":{port}"
    else:
        host, port = text, ""
    # A zone (`%eth0`) names an interface of the proxy's machine, and long text would only fill the cache below.
    if len(host) > ADDRESS_MAX_LENGTH or "%" in host or (port and not _PORT.fullmatch(port)):
        return None
    return _parse_address(host)


# Bounded: forged headers may hold any number of addresses.
@lru_cache(maxsize=4096)
def _parse_address(text: str) -> Address | None:
    """Parse an address without its zone; IPv4 for one that is mapped into IPv6 (RFC 4291 §2.5.5.2)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # From the number, which has no zone: one client in two zones is one client.
    return address.ipv4_mapped or IPv6Address(int(address))
