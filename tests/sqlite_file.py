"""What tests do to an SQLite file behind the store's back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hullo_stores.peewee.engines.sqlite import SqliteEngine
from hullo_stores.peewee.search.index import FTS_TABLE
from servers.shared import KEPT


def schema_of(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a file holds, by table. Without the index of searches, and the numbers of its texts."""
    with closing(sqlite3.connect(path)) as database:
        columns = {"contact_search": "workspace_id, contact_id, text"}
        return {
            name: sorted(database.execute(f"SELECT {columns.get(name, '*')} FROM {name}"), key=repr)
            for name in tables_of(database)
        }


def tables_of(database: sqlite3.Connection) -> list[str]:
    """All but those in which SQLite keeps the index of searches."""
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [name for (name,) in found if not name.startswith(FTS_TABLE)]


def empty(path: Path) -> None:
    """Deletes every row of every table but the migrations', whatever points at it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = off")
        database.execute("BEGIN IMMEDIATE")
        # The index of searches is emptied by triggers.
        for table in tables_of(database):
            if table != KEPT:
                database.execute(f'DELETE FROM "{table}"')
        database.execute("COMMIT")


@contextmanager
def traced(engine: SqliteEngine, note: Callable[[str], None]) -> Iterator[None]:
    """Calls `note` with each statement that any connection of an open engine runs meanwhile."""
    with engine.read_transaction():
        pass  # so that the reader is there
    readers = (*engine._loads._readers, *engine._reads._readers)
    drivers = [engine.database.connection(), *(reader.driver for reader in readers if reader.driver is not None)]
    for driver in drivers:
        driver.set_trace_callback(note)
    try:
        yield
    finally:
        for driver in drivers:
            driver.set_trace_callback(None)


def write_lock(path: Path) -> closing[sqlite3.Connection]:
    """Another process's open write transaction, in effect."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return closing(other)
