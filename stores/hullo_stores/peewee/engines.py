"""The engines, each with the settings that make it safe, and the URLs that choose them."""

# Peewee's stubs leave its connection, pragmas and transactions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from peewee import Database, PeeweeException, SqliteDatabase

from hullo.errors import SettingsError, StoreUnavailable
from hullo_stores.peewee.faults import peewee_fault, sqlite_fault
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.store import PeeweeStore

MEBIBYTE: Final = 1024 * 1024
JOURNAL_PAUSE: Final = 0.01
STATEMENTS_KEPT: Final = 512
"""Prepared statements the driver keeps: more than there are, so that none is parsed twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteSettings:
    """What a URL may say after its `?`.

    `synchronous=full`, the default, keeps through a power cut whatever was answered; `normal` is faster and
    may lose the last moments then, though it never corrupts. `busy_timeout_ms` is how long to wait for the
    write of another process. `mmap_mb` is how much of the file is read through memory.
    """

    path: str
    synchronous: str = "full"
    busy_timeout_ms: int = 5000
    mmap_mb: int = 256

    @classmethod
    def of_url(cls, url: str) -> SqliteSettings:
        """`sqlite:///relative.db` or `sqlite:////absolute.db`. Raises `SettingsError`."""
        parts = urlsplit(url)
        path = unquote(parts.path).removeprefix("/")
        if parts.netloc or not path:
            raise SettingsError(
                "an SQLite URL has three slashes and a path, 'sqlite:///relative.db', "
                "or four for an absolute one, 'sqlite:////var/lib/hullo.db'"
            )
        if path == ":memory:":
            raise SettingsError("hullo keeps SQLite in a file; for a store in memory write 'memory:'")
        settings = cls(path=path)
        for name, text in parse_qsl(parts.query, keep_blank_values=True):
            if name == "synchronous" and text in ("full", "normal"):
                settings = replace(settings, synchronous=text)
            elif name == "synchronous":
                raise SettingsError(f"synchronous is 'full' or 'normal', not {text!r}")
            elif name == "busy_timeout_ms":
                settings = replace(settings, busy_timeout_ms=_whole_number(name, text))
            elif name == "mmap_mb":
                settings = replace(settings, mmap_mb=_whole_number(name, text))
            else:
                raise SettingsError(
                    f"an SQLite URL has no parameter {name!r}, only synchronous, busy_timeout_ms and mmap_mb"
                )
        return settings


def open_sqlite(url: str) -> PeeweeStore:
    """A store in an SQLite file; see `SqliteSettings` for its URL. Not opened yet."""
    return PeeweeStore(SqliteEngine(SqliteSettings.of_url(url)))


def _make_private(path: str) -> None:
    """A new file is for its owner alone: it will hold identity keys, and what people say. An old one stays as it is."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return  # SQLite is about to meet the same trouble, and its words are translated


class SqliteConnection:
    """See `Connection`."""

    def __init__(self, driver: sqlite3.Connection, path: str) -> None:
        self._execute = driver.execute
        self._path = path

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """What a statement finds."""
        try:
            return self._execute(text, cast("Sequence[str]", values)).fetchall()
        except sqlite3.Error as error:
            raise sqlite_fault(error, self._path) from error

    def run(self, text: str, values: Sequence[object] = ()) -> int:
        """How many rows a statement found to change."""
        try:
            return self._execute(text, cast("Sequence[str]", values)).rowcount
        except sqlite3.Error as error:
            raise sqlite_fault(error, self._path) from error


class SqliteEngine:
    """SQLite in a file: one connection under a lock, which whichever thread calls may use.

    One, as SQLite has one writer and a second connection in the same process could only wait for it.
    """

    lanes = 1

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._database = SqliteDatabase(
            settings.path, thread_safe=False, check_same_thread=False, cached_statements=STATEMENTS_KEPT
        )
        self._lock = threading.Lock()
        self._driver: sqlite3.Connection | None = None
        self._connection: SqliteConnection | None = None

    @property
    def database(self) -> Database:
        """See `Engine`."""
        return self._database

    def open(self) -> None:
        """Connects and sets what SQLite forgets when a connection closes."""
        folder = Path(self._settings.path).absolute().parent
        if not folder.is_dir():
            raise StoreUnavailable(f"the folder {folder} does not exist; make it, or correct the store's URL")
        _make_private(self._settings.path)
        with self._lock, self._peewee_faults():
            self._database.connect()
            driver = cast(
                "sqlite3.Connection",
                self._database.connection(),  # type: ignore[no-untyped-call]
            )
            connection = SqliteConnection(driver, self._settings.path)
            try:
                self._set_up(connection)
            except BaseException:
                self._database.close()
                raise
            self._driver, self._connection = driver, connection

    def close(self) -> None:
        """See `Engine`. Whoever is inside a transaction finishes it first."""
        with self._lock, self._peewee_faults():
            self._driver = self._connection = None
            self._database.close()

    @contextmanager
    def migrating(self) -> Generator[None]:
        """Holds the file's own write lock, for which other processes wait as for any write."""
        with self._lock, self._peewee_faults():
            # To rebuild a table is to drop it, which enforced keys forbid. Ignored inside a transaction.
            self._database.pragma("foreign_keys", 0)
            try:
                with self._database.atomic("IMMEDIATE"):
                    yield
            finally:
                self._database.pragma("foreign_keys", 1)

    @contextmanager
    def reading(self) -> Generator[SqliteConnection]:
        """See `Engine`."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[SqliteConnection]:
        """See `Engine`. Takes the write lock at once: a transaction that has read cannot wait for it."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Generator[SqliteConnection]:
        with self._lock:
            driver, connection = self._driver, self._connection
            if driver is None or connection is None:
                raise StoreUnavailable("the store is not open")
            connection.run(begin)
            try:
                yield connection
                connection.run("COMMIT")
            except BaseException:
                # A full disk or a failed read ends the transaction by itself.
                if driver.in_transaction:
                    connection.run("ROLLBACK")
                raise

    def _set_up(self, connection: SqliteConnection) -> None:
        # The timeout comes first: the others may already have to wait.
        connection.run(f"PRAGMA busy_timeout = {self._settings.busy_timeout_ms}")
        self._use_write_ahead_log(connection)
        connection.run(f"PRAGMA synchronous = {self._settings.synchronous}")
        connection.run("PRAGMA foreign_keys = 1")
        connection.run("PRAGMA secure_delete = 1")  # what is erased (P2) is not left in free pages
        connection.run(f"PRAGMA mmap_size = {self._settings.mmap_mb * MEBIBYTE}")

    def _use_write_ahead_log(self, connection: SqliteConnection) -> None:
        """Waits by hand: when processes make the file together, one start in a thousand is told "locked" at once,
        whatever the busy timeout."""
        deadline = time.monotonic() + self._settings.busy_timeout_ms / 1000
        while True:
            try:
                mode = connection.rows("PRAGMA journal_mode = WAL")
            except StoreUnavailable as error:
                cause = error.__cause__
                busy = isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(JOURNAL_PAUSE)
                continue
            if mode != [("wal",)]:
                raise StoreUnavailable(
                    f"the database {self._settings.path} cannot keep a write-ahead log; use a local disk"
                )
            return

    @contextmanager
    def _peewee_faults(self) -> Generator[None]:
        try:
            yield
        except PeeweeException as error:
            raise peewee_fault(error, self._settings.path) from error


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(f"{name} is a whole number, not {text!r}")
    return int(text)
