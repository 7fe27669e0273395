"""Connections to an SQLite file: the one that writes, and those that only read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

from hullo.errors import StoreUnavailable, Unstorable
from hullo_stores.peewee.dialect import StatementCache
from hullo_stores.peewee.faults import UNENCODABLE, translate_sqlite_error
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.writes import Batch, Write
from hullo_stores.write_conflict import WriteConflict

BEGIN_READ: Final = "BEGIN"
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"


class SqliteConnection:
    """Implement `Connection` and `Transaction`."""

    def __init__(self, driver: sqlite3.Connection, path: str, texts: StatementCache[Write]) -> None:
        self._driver = driver
        # Untyped values: the driver's stubs take fewer types than the driver, and a cast is a call in each statement.
        self._execute: Callable[..., sqlite3.Cursor] = driver.execute
        self._path = path
        self._texts = texts

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        try:
            return self._execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._path) from error
        except UNENCODABLE:
            raise Unstorable from None

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """See `Transaction`."""
        try:
            return self._execute(text, values).rowcount
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


class _Reader:
    """A connection that only reads, for one thread at a time. Made when it is first needed."""

    __slots__ = ("driver", "lock", "wrapped")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.driver: sqlite3.Connection | None = None
        self.wrapped: SqliteConnection | None = None


class ReaderPool:
    """Connections that only read, at most `size`."""

    def __init__(self, connect: Callable[[], tuple[sqlite3.Connection, SqliteConnection]], size: int) -> None:
        self._connect = connect
        self._readers = tuple(_Reader() for _ in range(size))
        self._is_open = False

    def open(self) -> None:
        """Let connections be made."""
        self._is_open = True

    def close(self) -> None:
        """Close the connections, once those in use are returned."""
        self._is_open = False
        for reader in self._readers:
            with reader.lock:
                if reader.driver is not None:
                    reader.driver.close()
                reader.driver = reader.wrapped = None

    @contextmanager
    def connection(self) -> Generator[SqliteConnection]:
        """Lend a connection to this thread, outside any transaction. Waits while all are in use."""
        # The first that is free, whose cache holds what was read a moment ago; callers are as many as there are
        # readers, so that hardly one waits.
        for reader in self._readers:
            if reader.lock.acquire(blocking=False):
                break
        else:
            reader = self._readers[0]
            reader.lock.acquire()
        try:
            # Asked under the lock: `close` takes it after it has cleared the mark.
            if not self._is_open:
                raise StoreUnavailable("the store is not open")
            if reader.wrapped is None:
                reader.driver, reader.wrapped = self._connect()
            yield reader.wrapped
        finally:
            reader.lock.release()


def within(connection: SqliteConnection, begin: str) -> Generator[SqliteConnection]:
    """Yield the connection in a transaction, which is committed unless an exception comes back."""
    connection.execute(begin)
    try:
        yield connection
        connection.commit()
    except BaseException:
        connection.abort()
        raise
