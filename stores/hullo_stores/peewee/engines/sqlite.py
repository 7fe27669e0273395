"""SQLite in a file: its URL, and the settings that make it safe."""

# Peewee's stubs leave its connection, pragmas and transactions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote, urlsplit

from peewee import Database, PeeweeException, SqliteDatabase

from hullo.errors import SettingsError, StoreUnavailable, Unstorable
from hullo.value import Value
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import EngineMaintenance, Loader
from hullo_stores.peewee.dialect import Dialect, StatementCache
from hullo_stores.peewee.engines.url import Parameters
from hullo_stores.peewee.faults import UNENCODABLE, translate_sqlite_error, translate_wrapped_error
from hullo_stores.peewee.loaders.fast_path import FastPathLoader
from hullo_stores.peewee.loaders.steps import StepLoader
from hullo_stores.peewee.maintenance.sqlite import SqliteMaintenance
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.writes import Batch, Write
from hullo_stores.write_conflict import WriteConflict

MEBIBYTE: Final = 1024 * 1024
WAL_RETRY_DELAY: Final = 0.01
BEGIN_READ: Final = "BEGIN"
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
STATEMENT_CACHE_SIZE: Final = 512
"""Prepared statements that the driver keeps: more than hullo has, so that none is parsed twice."""


class SqliteSettings(Value):
    """The settings in a URL.

    `synchronous=full`, the default, keeps every answered write through a power cut; `normal` is faster and may lose the
    last moments, though it never corrupts. `busy_timeout_ms` is how long to wait for a write of another process.
    `mmap_mb` is how much of the file is memory-mapped.
    """

    path: str
    synchronous: str = "full"
    busy_timeout_ms: int = 5000
    mmap_mb: int = 256

    @classmethod
    def from_url(cls, url: str) -> SqliteSettings:
        """Parse `sqlite:///relative.db` or `sqlite:////absolute.db`. Raises `SettingsError`."""
        parts = urlsplit(url)
        path = unquote(parts.path).removeprefix("/")
        if parts.netloc or not path:
            raise SettingsError(
                "an SQLite URL has three slashes and a path, 'sqlite:///relative.db', "
                "or four for an absolute one, 'sqlite:////var/lib/hullo.db'"
            )
        if path == ":memory:":
            raise SettingsError("hullo keeps SQLite in a file; for a store in memory write 'memory:'")
        parameters = Parameters(parts.query, "an SQLite URL")
        settings = cls(
            path=path,
            synchronous=parameters.choice("synchronous", ("full", "normal"), "full"),
            busy_timeout_ms=parameters.whole_number("busy_timeout_ms", 5000),
            mmap_mb=parameters.whole_number("mmap_mb", 256),
        )
        parameters.take_remaining()
        return settings


def open_sqlite(url: str) -> PeeweeStore:
    """Return a store in an SQLite file, not opened yet. See `SqliteSettings` for its URL."""
    return PeeweeStore(SqliteEngine(SqliteSettings.from_url(url)))


def _make_private(path: str) -> None:
    """Create a new file with mode 0600, as it will hold identity keys and messages. An existing file stays as it is."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return  # SQLite meets the same error when it connects, and that one is translated


class SqliteConnection:
    """Implement `Connection` and `Transaction`."""

    def __init__(self, driver: sqlite3.Connection, path: str, texts: StatementCache[Write]) -> None:
        self._driver = driver
        self._execute = driver.execute
        self._path = path
        self._texts = texts

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        try:
            return self._execute(text, cast("Sequence[str]", values)).fetchall()
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._path) from error
        except UNENCODABLE:
            raise Unstorable from None

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """See `Transaction`."""
        try:
            return self._execute(text, cast("Sequence[str]", values)).rowcount
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._path) from error
        except UNENCODABLE:
            raise Unstorable from None

    def write(self, batches: Sequence[Batch]) -> None:
        """See `Transaction`."""
        for batch in batches:
            write, rows = batch.write, batch.rows
            try:
                found = self._driver.executemany(self._texts[write], rows).rowcount
            except sqlite3.Error as error:
                raise translate_sqlite_error(error, self._path) from error
            except UNENCODABLE:
                raise Unstorable from None
            if write.must_find and found != len(rows):
                raise WriteConflict(write.table)

    def commit(self) -> None:
        """See `Transaction`."""
        if self._driver.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        """See `Transaction`."""
        self.abort()
        self.execute(BEGIN_WRITE)

    def abort(self) -> None:
        """End the transaction, unless a full disk or a failed read has ended it already."""
        if self._driver.in_transaction:
            self.execute("ROLLBACK")


class SqliteEngine:
    """Implement `Engine` with one connection under a lock, shared by all threads.

    SQLite has one writer; a second connection in the same process could only wait for it. One thread that drains a
    queue is two to three times as fast as one thread a request.
    """

    lanes = 1
    dialect = Dialect()

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._database = SqliteDatabase(
            # Peewee's per-thread state is off: the lock below is what makes one connection safe for all threads.
            settings.path,
            thread_safe=False,
            check_same_thread=False,
            cached_statements=STATEMENT_CACHE_SIZE,
        )
        self._lock = threading.Lock()
        self._holder: int | None = None
        """The thread that holds the lock: a nested call would wait for itself for ever."""
        self._connection: SqliteConnection | None = None
        self._texts = StatementCache(self.dialect.single_row_sql)
        self.maintenance: EngineMaintenance = SqliteMaintenance(Path(settings.path))
        steps = StepLoader(Compiler(self._database, self.dialect))
        self.loader: Loader = FastPathLoader(self.dialect, steps)

    @property
    def database(self) -> Database:
        """See `Engine`."""
        return self._database

    def open(self) -> None:
        """Connect and set the pragmas that SQLite forgets when a connection closes."""
        folder = Path(self._settings.path).absolute().parent
        if not folder.is_dir():
            raise StoreUnavailable(f"the folder {folder} does not exist; make it, or correct the store's URL")
        _make_private(self._settings.path)
        with self._lock, self._translated_errors():
            self._database.connect()
            driver = cast(
                "sqlite3.Connection",
                self._database.connection(),  # type: ignore[no-untyped-call]
            )
            connection = SqliteConnection(driver, self._settings.path, self._texts)
            try:
                self._set_up(connection)
            except BaseException:
                self._database.close()
                raise
            self._connection = connection

    def close(self) -> None:
        """See `Engine`. Waits for a transaction that is under way."""
        with self._lock, self._translated_errors():
            self._connection = None
            self._database.close()

    @contextmanager
    def migration_lock(self) -> Generator[None]:
        """Hold the file's write lock, for which other processes wait as for any write."""
        with self._lock, self._translated_errors():
            # A rebuild drops the table, which enforced foreign keys forbid. The pragma is a no-op in a transaction.
            self._database.pragma("foreign_keys", 0)
            try:
                with self._database.atomic("IMMEDIATE"):
                    yield
            finally:
                self._database.pragma("foreign_keys", 1)

    def load_connection(self) -> AbstractContextManager[SqliteConnection]:
        """See `Engine`."""
        return self.read_transaction()

    @contextmanager
    def autocommit_connection(self) -> Generator[SqliteConnection]:
        """See `Engine`."""
        with self._locked():
            yield self._require_connection()

    def read_transaction(self) -> AbstractContextManager[SqliteConnection]:
        """See `Engine`."""
        return self._transaction(BEGIN_READ)

    def write_transaction(self) -> AbstractContextManager[SqliteConnection]:
        """See `Engine`. Takes the write lock at once: a deferred transaction that has read is refused without waiting
        (668 of 800 got "database is locked")."""
        return self._transaction(BEGIN_WRITE)

    @contextmanager
    def _transaction(self, begin: str) -> Generator[SqliteConnection]:
        with self._locked():
            connection = self._require_connection()
            connection.execute(begin)
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.abort()
                raise

    @contextmanager
    def _locked(self) -> Generator[None]:
        if self._holder == threading.get_ident():
            raise AssertionError("inside locking() a store is asked for nothing but load and apply")
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None

    def _require_connection(self) -> SqliteConnection:
        if self._connection is None:
            raise StoreUnavailable("the store is not open")
        return self._connection

    def _set_up(self, connection: SqliteConnection) -> None:
        # The timeout comes first: the other pragmas may already have to wait. As a pragma, it covers every statement.
        connection.execute(f"PRAGMA busy_timeout = {self._settings.busy_timeout_ms}")
        self._use_write_ahead_log(connection)
        # WAL with `normal` syncs at checkpoints only: a power cut may lose the last commits. `full` syncs each commit.
        connection.execute(f"PRAGMA synchronous = {self._settings.synchronous}")
        connection.execute("PRAGMA foreign_keys = 1")
        connection.execute("PRAGMA secure_delete = 1")  # what is erased (P2) is not left in free pages
        # Measured: with a million contacts, reads through mapped memory cost 1.3 to 1.7 of those of ten thousand.
        connection.execute(f"PRAGMA mmap_size = {self._settings.mmap_mb * MEBIBYTE}")

    def _use_write_ahead_log(self, connection: SqliteConnection) -> None:
        """Turn on WAL, with a wait of our own: when processes create the file together, about one start in a thousand
        gets "locked" at once, whatever the busy timeout."""
        deadline = time.monotonic() + self._settings.busy_timeout_ms / 1000
        while True:
            try:
                mode = connection.rows("PRAGMA journal_mode = WAL")
            except StoreUnavailable as error:
                cause = error.__cause__
                busy = isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(WAL_RETRY_DELAY)
                continue
            if mode != [("wal",)]:
                raise StoreUnavailable(
                    f"the database {self._settings.path} cannot keep a write-ahead log; use a local disk"
                )
            return

    @contextmanager
    def _translated_errors(self) -> Generator[None]:
        try:
            yield
        except PeeweeException as error:
            raise translate_wrapped_error(
                error, sqlite3.Error, lambda cause: translate_sqlite_error(cause, self._settings.path)
            ) from error
