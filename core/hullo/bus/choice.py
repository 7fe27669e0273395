"""Which bus there is where nobody has named one."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from hullo.settings import Settings

IN_PROCESS_URL: Final = "memory:"
"""The URL of the bus that no other process hears."""
_POSTGRESQL: Final = "postgresql://"


def bus_url(settings: Settings, store_url: str | None, *, shared_between_processes: bool) -> str:
    """The URL of the bus for a store; `store_url` is None where an object was given.

    The one that is set, if one is. Otherwise what is there anyway: the store's own PostgreSQL, unless a pooler in
    transaction mode stands before it, through which nobody can listen; else the Redis of the rate limits. A store that
    no other process can open needs none, and CockroachDB cannot carry one.
    """
    if settings.bus is not None:
        return settings.bus
    if not shared_between_processes:
        return IN_PROCESS_URL
    if store_url is not None and _supports_listen(store_url):
        return store_url
    return settings.redis if settings.redis is not None else IN_PROCESS_URL


def _supports_listen(store_url: str) -> bool:
    _, _, query = store_url.partition("?")
    return store_url.startswith(_POSTGRESQL) and "transaction" not in parse_qs(query).get("pooler", ())
