"""Peewee stores by their URL, for tests that look behind the protocol."""

from __future__ import annotations

from typing import Any

from hullo.hooks.entry_points import open_store
from hullo_stores.peewee.store import PeeweeStore


def peewee_store(url: str) -> PeeweeStore:
    """Not opened yet."""
    store = open_store(url)
    assert isinstance(store, PeeweeStore)
    return store


def engine_of(store: PeeweeStore) -> Any:
    """For tests of what the store asks of it; nobody else has to know that there is one."""
    return store._engine
