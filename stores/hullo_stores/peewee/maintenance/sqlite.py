"""Maintenance of a database in an SQLite file."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from hullo.store.maintenance import Finding, Progress
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.maintenance.sqlite_backup import back_up
from hullo_stores.peewee.maintenance.sqlite_file import SCHEMA_QUERY, foreign_objects, holds_rows, require_database
from hullo_stores.peewee.maintenance.sqlite_restore import restore

MEBIBYTE: Final = 1024 * 1024
_SYNCHRONOUS: Final = {1: "normal: a power cut may lose the last moments", 2: "full"}


class SqliteMaintenance:
    """Implement `EngineMaintenance` for a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def location(self) -> str:
        """Return the real path of the file, links resolved."""
        return f"sqlite:{os.path.realpath(self._path)}"

    def require_database(self) -> None:
        """See `EngineMaintenance`."""
        require_database(self._path)

    def findings(self, connection: Connection) -> Iterable[Finding]:
        """See `EngineMaintenance`."""
        ((version,),) = connection.rows("SELECT sqlite_version()")
        ((journal,),) = connection.rows("PRAGMA journal_mode")
        ((synchronous,),) = connection.rows("PRAGMA synchronous")
        yield Finding(name="engine", value=f"SQLite {version}")
        yield Finding(name="journal", value=str(journal))
        yield Finding(name="synchronous", value=_SYNCHRONOUS.get(synchronous, str(synchronous)))
        yield Finding(name="clock", value="this machine's own")
        yield from self._file_findings()

    def foreign_code(self, connection: Connection) -> Sequence[str]:
        """See `EngineMaintenance`."""
        # Tables of others run nothing, and may stand beside hullo's.
        return [
            found
            for found in foreign_objects(connection.rows(SCHEMA_QUERY))
            if not found.startswith(("the table ", "the index "))
        ]

    def _file_findings(self) -> Iterable[Finding]:
        found = self._path.stat()
        yield Finding(name="file", value=f"{self._path.absolute()}, {found.st_size / MEBIBYTE:,.1f} MiB")
        mode = stat.S_IMODE(found.st_mode)
        # The file holds identity keys: a reader of it could sign for any user.
        open_to_all = f"others may use it; chmod o= {shlex.quote(str(self._path.absolute()))}" if mode & 0o007 else None
        yield Finding(name="permissions", value=stat.filemode(found.st_mode)[1:], advice=open_to_all)

    def backup(self, file: Path, progress: Progress, *, replace: bool) -> None:
        """See `EngineMaintenance`."""
        back_up(self._path, file, progress, replace=replace)

    def has_rows(self) -> bool:
        """See `EngineMaintenance`."""
        return holds_rows(self._path)

    def restore(self, file: Path, progress: Progress) -> None:
        """See `EngineMaintenance`."""
        restore(self._path, file, progress)
