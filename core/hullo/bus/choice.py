"""The choice of a bus when the settings name none."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from hullo.settings import Settings

IN_PROCESS_URL: Final = "memory:"
"""The URL of the bus inside one process."""
_POSTGRESQL: Final = ("postgresql://", "postgres://")


def bus_url(settings: Settings, store_url: str | None, *, shared_between_processes: bool) -> str:
    """Choose the URL of the bus for a store. `store_url` is None when the store was given as an object.

    The setting `bus` wins. Otherwise a server that is there anyway: the store's own PostgreSQL, then the Redis of the
    rate limits. A store that no other process can open needs no server, and CockroachDB cannot carry notices.
    """
    # An operator's word goes first, even for a store that needs no bus.
    if settings.bus is not None:
        return settings.bus
    # No other process can have committed anything, so a server would carry notices to itself.
    if not shared_between_processes:
        return IN_PROCESS_URL
    if store_url is not None and _supports_listen(store_url):
        return store_url
    # Without any server, sockets of other processes learn of a commit when they next read the store.
    return settings.redis if settings.redis is not None else IN_PROCESS_URL


def _supports_listen(store_url: str) -> bool:
    # A pooler in transaction mode changes the server connection after each transaction, so LISTEN has no effect.
    _, _, query = store_url.partition("?")
    return store_url.startswith(_POSTGRESQL) and "transaction" not in parse_qs(query).get("pooler", ())
