"""hullo's SQLite files, opened beside the engine for backup and restore."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from hullo.errors import Conflicting, StoreUnavailable
from hullo_stores.peewee.faults import translate_sqlite_error
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.schema import KNOWN_MIGRATIONS, unfinished_copy
from hullo_stores.peewee.search.index import FTS_SCHEMA, FTS_TABLE, FTS_TABLES
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of

LOCK_TIMEOUT_SECONDS: Final = 5.0
"""How long to wait for another process's lock."""
SCHEMA_QUERY: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
_OWN_TABLES: Final = frozenset({HISTORY_TABLE, *map(name_of, TABLES), *FTS_TABLES})
_VIRTUAL: Final = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
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
    except UnicodeDecodeError as error:
        raise StoreUnavailable(f"the database {path} is damaged") from error
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


def require_own_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `Conflicting` for triggers, views and tables that are not hullo's: they would run, or stay. Reads nothing
    else of the file."""
    if foreign := foreign_objects(connection.execute(SCHEMA_QUERY).fetchall()):
        raise Conflicting(f"{path} holds {', '.join(foreign)}, which hullo did not make; use a backup of its own")


def foreign_objects(schema: Iterable[Row]) -> tuple[str, ...]:
    """Name, with its kind, each row of `SCHEMA_QUERY` that is neither hullo's table nor an index of one."""
    return tuple(f"the {kind} {name}" for kind, name, table, text in schema if not _is_own(kind, name, table, text))


def _is_own(kind: str, name: str, table: str, text: str | None) -> bool:
    # Triggers and virtual tables are code: hullo's are known to the letter.
    if kind == "trigger" or (text is not None and _VIRTUAL.match(text)):
        return FTS_SCHEMA.get(name) == text
    # Of any version: older ones have fewer columns and other indexes. Neither runs anything.
    return kind in {"table", "index"} and (table in _OWN_TABLES or table.startswith("sqlite_"))


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


def lock_whole(file: BinaryIO) -> bool:
    """Lock the file until it is closed or this process ends, apart from SQLite's own locks. False: another has it.

    Where the system has no such lock, it removes no file that a process has open.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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
