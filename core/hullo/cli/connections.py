"""How many connections a server process may hold, in total and from one address."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hullo.asgi.address import TrustedProxies, rate_limit_key
from hullo.settings import Settings

RESERVED_FILES: Final = 128
"""Open files that connections leave to the database, to logs and to other systems."""
MAX_CONNECTIONS: Final = 1 << 16


def open_file_limit() -> int:
    """Return how many files this process may have open, after asking the system for as many as it grants."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return MAX_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MAX_CONNECTIONS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return min(soft, MAX_CONNECTIONS) if soft != resource.RLIM_INFINITY else MAX_CONNECTIONS
    # The soft limit is often 1,024, for programs that use `select`. A process may raise it to the hard one.
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connection_limit(settings: Settings) -> int:
    """Return how many connections a process may hold: the setting, but never so many that no file can be opened."""
    possible = max(1, open_file_limit() - RESERVED_FILES)
    wanted = settings.server.connections
    return possible if wanted is None else min(wanted, possible)


def address_share(connections: int, per_address: int) -> int:
    """Return how many of the connections one address may hold: one client must not keep all others out."""
    return min(per_address, max(1, connections // 4))


class ConnectionBudget:
    """Counts the open connections of this process, in total and by address. For one event loop."""

    def __init__(self, connections: int, per_address: int | None, proxies: TrustedProxies) -> None:
        self._connections = connections
        # None: one address may have all.
        self._per_address = connections if per_address is None else address_share(connections, per_address)
        self._proxies = proxies
        self._total = 0
        self._by_address: Counter[str] = Counter()

    def address_of(self, client: tuple[str, int] | None) -> str | None:
        """Return the address under which the connections of this peer are counted. None: under none."""
        if client is None or self._proxies.trusts_host(client[0]):
            return None
        return rate_limit_key(client[0])

    def admit(self, address: str | None) -> bool:
        """Count a connection. False: one more is over a limit, and is not counted.

        `address` None has no limit of its own: a Unix socket, or a trusted proxy, whose connections are those of many
        clients.
        """
        if self._total >= self._connections:
            return False
        if address is not None:
            if self._by_address[address] >= self._per_address:
                return False
            self._by_address[address] += 1
        self._total += 1
        return True

    def release(self, address: str | None) -> None:
        """Take back a connection that was admitted."""
        self._total -= 1
        self.release_address(address)

    def release_address(self, address: str | None) -> None:
        """Take back a connection from its address alone: it goes on, and another limit counts it."""
        if address is None:
            return
        self._by_address[address] -= 1
        # Removed at zero, or the counter would keep every address that ever called.
        if not self._by_address[address]:
            del self._by_address[address]
