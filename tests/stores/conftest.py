"""An SQLite store in a fresh folder, its engine and its file; and a server's database, through a proxy that counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import Databases
from hullo_stores.peewee.engines.sqlite import SqliteEngine, SqliteSettings
from hullo_stores.peewee.store import PeeweeStore
from servers.fixtures import Kind
from servers.wire import Wire, counting


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


@pytest.fixture(params=["postgresql", "mysql"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Every kind of server."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def url(kind: Kind, databases: Databases, tmp_path: Path) -> str:
    """Of an empty, migrated database."""
    return databases.empty(kind, tmp_path)


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    """What goes there and back."""
    with counting(url) as wire:
        yield wire
