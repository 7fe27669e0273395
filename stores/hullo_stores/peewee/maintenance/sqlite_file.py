"""hullo's SQLite files, opened beside the engine for backup and restore."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from hullo.errors import Conflicting, StoreUnavailable
from hullo_stores.peewee.faults import translate_sqlite_error
from hullo_stores.peewee.schema import KNOWN_MIGRATIONS, unfinished_copy
from hullo_stores.peewee.search.index import FTS_TABLE
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE

LOCK_TIMEOUT_SECONDS: Final = 5.0
"""How long to wait for another process's lock."""
_QUOTED: Final = 'SELECT 1 FROM "{}" LIMIT 1'


@contextmanager
def open_file(path: Path) -> Generator[sqlite3.Connection]:
    """Connect to a file that exists, outside any transaction. Translates driver errors to `StoreUnavailable`."""
    # Not "ro": the last reader must be able to write to remove the write-ahead log. SQLite falls back to reading
    # where writing is not permitted.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with (
        translated_errors(path),
        closing(sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_SECONDS, isolation_level=None)) as connection,
    ):
        yield connection


@contextmanager
def translated_errors(path: Path) -> Generator[None]:
    """Translate the driver's errors to hullo's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate_sqlite_error(error, str(path)) from error


def require_database(path: Path) -> None:
    """Raise `StoreUnavailable` if the file does not exist."""
    if not path.exists():
        raise StoreUnavailable(
            f"there is no database {path.absolute()}; correct the store's URL, or make one with 'hullo migrate'"
        )


def begin_reading(connection: sqlite3.Connection) -> None:
    """Start a read transaction: every read sees one snapshot until the connection is closed."""
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()


def applied_migrations(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the applied migrations; none if the file is not a database of hullo's."""
    if HISTORY_TABLE not in _tables_of(connection):
        return frozenset()
    return frozenset(name for (name,) in connection.execute(f"SELECT name FROM {HISTORY_TABLE}"))


def require_restorable(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `Conflicting` unless this is a database of hullo's, of this version or an older one."""
    history = applied_migrations(connection)
    if not history:
        raise Conflicting(f"{path} is no database of hullo's")
    if unfinished_copy(history) is not None:
        raise Conflicting(f"{path} holds an unfinished copy")
    if newer := history.difference(KNOWN_MIGRATIONS):
        raise Conflicting(f"{path} is of a newer hullo: it has {', '.join(sorted(newer))}; update this one")


def require_replaceable(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `Conflicting` if tables that are not hullo's would be replaced."""
    if _tables_of(connection) and not applied_migrations(connection):
        raise Conflicting(f"{path} is not hullo's database, and will not be replaced")


def holds_rows(path: Path) -> bool:
    """Return whether any table has a row. True too for a file that cannot be read: it may hold data."""
    if not path.exists():
        return False
    try:
        with open_file(path) as connection:
            # The tables of the index hold rows from the beginning.
            tables = {name for name in _tables_of(connection) if not name.startswith(FTS_TABLE)} - {HISTORY_TABLE}
            return any(connection.execute(_QUOTED.format(name)).fetchall() for name in tables)
    except StoreUnavailable:
        return True


def require_intact(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `StoreUnavailable` for a damaged file. Reads the whole file."""
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"the database {path} is damaged") from error
    if found != [("ok",)]:
        raise StoreUnavailable(f"the database {path} is damaged")


def create_private(path: Path) -> None:
    """Create an empty file with mode 0600. Raises `FileExistsError`."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a new file name in it survives a power cut, if the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tables_of(connection: sqlite3.Connection) -> frozenset[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return frozenset(name for (name,) in found)
