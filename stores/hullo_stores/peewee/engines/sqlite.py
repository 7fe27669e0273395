"""SQLite in a file: its URL, and the settings that make it safe."""

# Peewee's stubs leave its connection, pragmas and transactions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from shutil import disk_usage
from typing import Final, cast
from urllib.parse import unquote, urlsplit

from peewee import Database, PeeweeException, SqliteDatabase

from hullo.errors import SettingsError, StoreUnavailable
from hullo.value import Value
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Connection, EngineMaintenance, Loader
from hullo_stores.peewee.dialect import Dialect, StatementCache
from hullo_stores.peewee.engines.sqlite_connections import (
    BEGIN_READ,
    BEGIN_WRITE,
    ReaderPool,
    SqliteConnection,
    within,
)
from hullo_stores.peewee.engines.sqlite_searching import SearchConnections
from hullo_stores.peewee.engines.url import Parameters
from hullo_stores.peewee.faults import translate_sqlite_error, translate_wrapped_error
from hullo_stores.peewee.loaders.fast_path import FastPathLoader
from hullo_stores.peewee.loaders.steps import StepLoader
from hullo_stores.peewee.maintenance.sqlite import SqliteMaintenance
from hullo_stores.peewee.schema import WRITE_PROBE
from hullo_stores.peewee.search.index import Fts5Index
from hullo_stores.peewee.store import PeeweeStore

MEBIBYTE: Final = 1024 * 1024
WAL_RETRY_DELAY: Final = 0.01
MIN_FREE_SPACE: Final = MEBIBYTE
"""With less, a write is tried: whether one goes well depends on what the write-ahead log can take."""
PRIMARY_CODE_MASK: Final = 0xFF
"""The primary result code in an extended one."""
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


class SqliteEngine:
    """Implement `Engine` with one connection that writes, under a lock, and others that only read.

    SQLite has one writer; a second writing connection in the same process could only wait for it. One thread that
    drains a queue is two to three times as fast as one thread a request. Readers wait for no writer, as each sees the
    write-ahead log up to the last commit. Loads have readers of their own, so that no search delays an identify.
    """

    lanes = 1
    readers = 4
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
        self._loads = ReaderPool(self._connect_reader, 2)
        """Two: one for the lane's batch, and one that reads ahead while that batch waits."""
        self._reads = ReaderPool(self._connect_reader, self.readers)
        self._texts = StatementCache(self.dialect.single_row_sql)
        self._searches = SearchConnections(settings.path, self._set_up_reading)
        self.search_index = Fts5Index()
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
            self._loads.open()
            self._reads.open()
            self._searches.open()

    def close(self) -> None:
        """See `Engine`. Waits for transactions that are under way."""
        # The readers first: the last connection of a database removes its write-ahead log, and must be able to write.
        self._searches.close()
        for pool in (self._loads, self._reads):
            pool.close()
        with self._lock, self._translated_errors():
            self._connection = None
            self._database.close()

    def require_writable(self, *, by_writing: bool) -> None:
        """See `Engine`. On a connection of its own, as the one that writes may be waiting for its lock."""
        path = Path(self._settings.path).absolute()
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)) as own:
                own.execute(BEGIN_WRITE)
                if by_writing or disk_usage(path.parent).free < MIN_FREE_SPACE:
                    for statement in WRITE_PROBE:
                        own.execute(statement)
                own.execute("COMMIT")
        except sqlite3.Error as error:
            # Locked by a writer: what can be written to by one process can be written to.
            if getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE_MASK != sqlite3.SQLITE_BUSY:
                raise translate_sqlite_error(error, self._settings.path) from error

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

    @contextmanager
    def load_connection(self) -> Generator[SqliteConnection]:
        """See `Engine`. On the connection that writes while it is free: its cache holds what it has just written, where
        a reader's would be read again after each write (a sixth more time for an identify that writes)."""
        self._require_unlocked()
        if self._lock.acquire(blocking=False):
            yield from self._in_held_transaction(BEGIN_READ)
        else:
            with self._loads.connection() as connection:
                yield from within(connection, BEGIN_READ)

    @contextmanager
    def autocommit_connection(self) -> Generator[SqliteConnection]:
        """See `Engine`. Its statements read."""
        self._require_unlocked()
        with self._reads.connection() as connection:
            yield connection

    @contextmanager
    def read_transaction(self) -> Generator[SqliteConnection]:
        """See `Engine`."""
        self._require_unlocked()
        with self._reads.connection() as connection:
            yield from within(connection, BEGIN_READ)

    def copy_transaction(self) -> AbstractContextManager[Connection]:
        """See `Engine`. No statement of SQLite has a time limit."""
        return self.read_transaction()

    def search_transaction(self) -> AbstractContextManager[Connection]:
        """See `Engine`."""
        return self._searches.transaction()

    @contextmanager
    def write_transaction(self) -> Generator[SqliteConnection]:
        """See `Engine`. Takes the write lock at once: a deferred transaction that has read is refused without waiting
        (668 of 800 got "database is locked")."""
        self._require_unlocked()
        self._lock.acquire()
        yield from self._in_held_transaction(BEGIN_WRITE)

    def _in_held_transaction(self, begin: str) -> Generator[SqliteConnection]:
        """Yield the connection that writes, in a transaction. The caller has taken its lock, which is released here."""
        self._holder = threading.get_ident()
        try:
            if self._connection is None:
                raise StoreUnavailable("the store is not open")
            yield from within(self._connection, begin)
        finally:
            self._holder = None
            self._lock.release()

    def _require_unlocked(self) -> None:
        """Raise `AssertionError` in a thread that holds the lock: what it reads elsewhere lacks what it has written."""
        if self._holder == threading.get_ident():
            raise AssertionError("inside locking() a store is asked for nothing but load and apply")

    def _connect_reader(self) -> tuple[sqlite3.Connection, SqliteConnection]:
        try:
            driver = sqlite3.connect(
                self._settings.path,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=STATEMENT_CACHE_SIZE,
            )
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._settings.path) from error
        connection = SqliteConnection(driver, self._settings.path, self._texts)
        try:
            # Readers wait only for the recovery of a log that a killed process left.
            connection.execute(f"PRAGMA busy_timeout = {self._settings.busy_timeout_ms}")
            connection.execute(f"PRAGMA mmap_size = {self._settings.mmap_mb * MEBIBYTE}")
            connection.execute(f"PRAGMA synchronous = {self._settings.synchronous}")  # for `hullo doctor`
            connection.execute("PRAGMA query_only = 1")
        except BaseException:
            driver.close()
            raise
        return driver, connection

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

    def _set_up_reading(self, driver: sqlite3.Connection) -> None:
        driver.execute(f"PRAGMA busy_timeout = {self._settings.busy_timeout_ms}")
        driver.execute(f"PRAGMA mmap_size = {self._settings.mmap_mb * MEBIBYTE}")

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
