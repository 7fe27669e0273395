"""Keeps the index of searches current: after a migration, after a restore, and when a better one can be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from peewee import Database

from hullo.store.maintenance import Finding, Progress
from hullo_stores.peewee.connection import Connection, Engine, SubstringIndex
from hullo_stores.peewee.ddl import execute
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.search.filling import fill_search_texts

HISTORY_TABLE: Final = "hullo_migration"
UNFINISHED_SEARCH: Final = "unfinished search index"
"""A mark in the history, as migration 0010 makes it, until the contacts that were there can be searched for."""


def built_index(engine: Engine) -> SubstringIndex | None:
    """Return the engine's own index of substrings. None if the database has none, and trigrams are rows."""
    with engine.autocommit_connection() as connection:
        return _built_index(engine, connection)


def is_index_current(engine: Engine) -> bool:
    """Return whether searches find everything, by the best index that this database can have."""
    with engine.autocommit_connection() as connection:
        return _is_current(engine.search_index, connection)


def finish_index(engine: Engine, progress: Progress) -> None:
    """Fill what searches read, unless it is current. A process that is killed meanwhile leaves it to the next one."""
    index = engine.search_index
    with engine.migration_lock():
        connection = _LockedConnection(engine.database)
        # Asked under the lock: another process may just have finished.
        if _is_current(index, connection):
            return
        has_index = index is not None and index.prepare(engine.database)
        _mark(connection, forget=not has_index)
    fill_search_texts(engine, progress, keeps_grams=not has_index)
    with engine.migration_lock():
        if index is not None and has_index:
            # After the texts: to index them all at once is faster than one by one.
            index.build(engine.database)
            # They are read no more, and an erasure would leave them (P2).
            execute(engine.database, "DELETE FROM contact_gram")
        execute(engine.database, f"DELETE FROM {HISTORY_TABLE} WHERE name = '{UNFINISHED_SEARCH}'")


def index_finding(engine: Engine) -> Finding:
    """Report by what searches find contacts."""
    index = built_index(engine)
    if index is not None:
        return Finding(name="search", value=index.name)
    advice = engine.search_index.advice if engine.search_index is not None else None
    return Finding(name="search", value="a table of trigrams", advice=advice)


class _LockedConnection:
    """Implement `Connection` inside the migration lock, where only Peewee's own connection may be used."""

    def __init__(self, database: Database) -> None:
        self._database: Any = database

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        return list(self._database.execute_sql(text, values or None).fetchall())

    def run(self, text: str) -> None:
        """Run a statement that returns no rows."""
        execute(self._database, text)


def _built_index(engine: Engine, connection: Connection) -> SubstringIndex | None:
    index = engine.search_index
    return index if index is not None and index.is_built(connection) else None


def _is_current(index: SubstringIndex | None, connection: Connection) -> bool:
    if _is_marked(connection):
        return False
    if index is not None and index.is_built(connection):
        return index.is_available(connection)
    if index is not None and index.is_available(connection):
        return False
    # Trigrams are rows, which are missing where an index stood for them and is gone.
    return _has_rows(connection, "contact_gram") or not _has_rows(connection, "contact_search")


def _mark(connection: _LockedConnection, *, forget: bool) -> None:
    """Mark that the texts are not complete, and begin with none if there must be trigrams and are none."""
    if forget and not _has_rows(connection, "contact_gram"):
        connection.run("DELETE FROM contact_search")
    if not _is_marked(connection):
        connection.run(f"INSERT INTO {HISTORY_TABLE} (name, applied) VALUES ('{UNFINISHED_SEARCH}', CURRENT_TIMESTAMP)")


def _is_marked(connection: Connection) -> bool:
    return bool(connection.rows(f"SELECT 1 FROM {HISTORY_TABLE} WHERE name = '{UNFINISHED_SEARCH}'"))


def _has_rows(connection: Connection, table: str) -> bool:
    return bool(connection.rows(f"SELECT 1 FROM {table} LIMIT 1"))
