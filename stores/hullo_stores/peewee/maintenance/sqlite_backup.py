"""Backups of an SQLite database by SQLite's backup API, never by copying a file that is being written to."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from hullo.errors import Conflicting, StoreUnavailable
from hullo.store.maintenance import Progress
from hullo_stores.peewee.maintenance.sqlite_file import (
    applied_migrations,
    begin_reading,
    create_private,
    lock_whole,
    open_file,
    require_database,
    require_intact,
    sync_folder,
)

UNFINISHED: Final = ".unfinished"
_UNFINISHED_NAME: Final = re.compile(r"\.[0-9a-f]{8}\.unfinished$")
ABANDONED_SECONDS: Final = 60
"""How long ago a file was last written that counts as abandoned if no process has locked it."""
PAGES_PER_STEP: Final = 1024
"""4 MiB a step: progress is visible, and an interrupt need not wait."""


def back_up(path: Path, file: Path, progress: Progress, *, replace: bool) -> None:
    """Back up the database at `path` to `file`. See `SupportsMaintenance.backup`."""
    require_database(path)
    if file.exists():
        if file.samefile(path):
            raise Conflicting(f"{file} is the database itself; write its backup to another file")
        if not replace or not file.is_file():
            raise Conflicting(f"there is a {file} already; choose another name, or replace it with --force")
    _remove_abandoned(file.absolute().parent)
    unfinished = file.with_name(f"{file.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        create_private(unfinished)
        writing = unfinished.open("rb")
    except OSError as error:
        raise StoreUnavailable(f"no file can be made in {file.absolute().parent}: {error.strerror}") from error
    try:
        with writing:
            # Held by this process for as long as it lives: the file of a killed one is free.
            lock_whole(writing)
            _write(path, unfinished, progress)
        _move_into_place(unfinished, file, replace=replace)
    finally:
        _remove(unfinished)


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed backups left in the folder: files as large as the database, and full of people."""
    for unfinished in folder.glob(f"*{UNFINISHED}"):
        # Race: a file that was made a moment ago may not be locked yet.
        with suppress(OSError), unfinished.open("rb") as abandoned:
            is_old = time.time() - unfinished.stat().st_mtime > ABANDONED_SECONDS
            if _UNFINISHED_NAME.search(unfinished.name) and is_old and lock_whole(abandoned):
                _remove(unfinished)


def _remove(unfinished: Path) -> None:
    for rest in (unfinished, Path(f"{unfinished}-journal")):
        rest.unlink(missing_ok=True)


def copy_pages(source: sqlite3.Connection, target: sqlite3.Connection, progress: Progress, doing: str) -> None:
    """Copy all pages of `source`, which is in a read transaction, into `target` in one transaction."""
    progress(doing, 0, 1)

    def told(_: int, remaining: int, total: int) -> None:
        progress(doing, total - remaining, total)

    source.backup(target, pages=PAGES_PER_STEP, progress=told)


def _write(path: Path, unfinished: Path, progress: Progress) -> None:
    with open_file(path) as source:
        # In a read transaction: SQLite restarts a backup whose source changed between two steps, so on a busy server
        # it would never finish.
        begin_reading(source)
        if not applied_migrations(source):
            raise Conflicting(f"{path} is no database of hullo's")
        with open_file(unfinished) as target:
            copy_pages(source, target, progress, "copying")
            # Without WAL the backup is one file, and readable on a read-only medium.
            target.execute("PRAGMA journal_mode = DELETE").fetchall()
            progress("checking", 0, 1)
            require_intact(target, path)
            progress("checking", 1, 1)


def _move_into_place(unfinished: Path, file: Path, *, replace: bool) -> None:
    try:
        if replace:
            os.replace(unfinished, file)
        else:
            _link_into_place(unfinished, file)
    except FileExistsError as error:
        raise Conflicting(f"there is a {file} by now; choose another name") from error
    except OSError as error:
        raise StoreUnavailable(f"the backup cannot be named {file}: {error.strerror}") from error
    sync_folder(file.absolute().parent)


def _link_into_place(unfinished: Path, file: Path) -> None:
    """Link the file to its name: a rename would replace a file that another process has made meanwhile."""
    with suppress(PermissionError, NotImplementedError):
        os.link(unfinished, file)
        return
    # Some file systems have no links.
    if file.exists():
        raise FileExistsError
    os.replace(unfinished, file)
