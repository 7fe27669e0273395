"""An SQLite store in a fresh folder, its engine and its file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hullo_stores.peewee.engines.sqlite import SqliteEngine, SqliteSettings
from hullo_stores.peewee.store import PeeweeStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hullo.db"


@pytest.fixture
def engine(path: Path) -> SqliteEngine:
    return SqliteEngine(SqliteSettings(path=str(path), busy_timeout_ms=20))


@pytest.fixture
def store(engine: SqliteEngine) -> Iterator[PeeweeStore]:
    store = PeeweeStore(engine)
    store.open()
    yield store
    store.close()
