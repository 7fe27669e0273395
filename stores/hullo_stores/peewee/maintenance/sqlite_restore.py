"""Replaces an SQLite database by a backup, in one transaction of that database.

A process killed at any moment leaves the new content, or the old one, to which the next connection rolls back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hullo.errors import Conflicting, StoreUnavailable
from hullo.store.maintenance import Progress
from hullo_stores.peewee.maintenance.sqlite_backup import copy_pages
from hullo_stores.peewee.maintenance.sqlite_file import (
    begin_reading,
    create_private,
    open_file,
    require_intact,
    require_own_schema,
    require_replaceable,
    require_restorable,
)

PRIMARY_CODE_MASK: Final = 0xFF
"""The primary result code in an extended one."""


def restore(path: Path, file: Path, progress: Progress) -> None:
    """Replace the database at `path` by the backup in `file`. See `SupportsMaintenance.restore`."""
    if not file.is_file():
        raise StoreUnavailable(f"there is no file {file}")
    if path.exists() and file.samefile(path):
        raise Conflicting(f"{file} is the database itself")
    with open_file(file) as source:
        # Checks and generated columns of the file may call nothing that acts outside of it.
        source.execute("PRAGMA trusted_schema = OFF")
        begin_reading(source)
        progress("checking", 0, 1)
        require_own_schema(source, file)
        require_restorable(source, file)
        require_intact(source, file)
        progress("checking", 1, 1)
        _require_folder(path)
        with suppress(FileExistsError):
            create_private(path)
        with _exclusive(path) as target:
            require_replaceable(target, path)
            copy_pages(source, target, progress, "restoring")


def _require_folder(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreUnavailable(f"the folder {folder} does not exist; make it, or correct the store's URL")


@contextmanager
def _exclusive(path: Path) -> Generator[sqlite3.Connection]:
    """Connect to a file that no other process has open, nor can open until this context ends."""
    with open_file(path) as connection:
        try:
            # Leaving WAL needs the only connection: every other one, even idle, holds a lock on the log.
            in_use = connection.execute("PRAGMA journal_mode = TRUNCATE").fetchall() != [("truncate",)]
            connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            # Another process may have connected in between, turned WAL on again, and gone.
            in_use = in_use or connection.execute("PRAGMA journal_mode").fetchall() != [("truncate",)]
        except sqlite3.DatabaseError as error:
            code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if code & PRIMARY_CODE_MASK in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise StoreUnavailable(
                    f"{path} cannot be read as a database; move it away, with {path.name}-wal beside it if there is "
                    "one, and restore again"
                ) from error
            if code & PRIMARY_CODE_MASK != sqlite3.SQLITE_BUSY:
                raise
            in_use = True
        if in_use:
            raise StoreUnavailable(
                f"another process has {path} open; stop every server that uses it, and restore again"
            )
        try:
            yield connection
        finally:
            _remove_journal(path)


def _remove_journal(path: Path) -> None:
    """Remove the journal while the file is locked. The commit has truncated it, as it held personal data. A journal
    that is not empty is still needed by SQLite and stays."""
    journal = Path(f"{path}-journal")
    if journal.exists() and journal.stat().st_size == 0:
        journal.unlink()
