"""Fixtures that every part of the suite may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hullo.hooks.discovery import open_store
from hullo.store.protocol import Store
from world import World


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Every store that hullo ships, each new and empty."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/hullo.db"
    store = open_store(url)
    store.open()
    yield store
    store.close()


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    world = World(store)
    yield world
    world.hullo.close()
