"""Connections to an SQLite file that only searches use.

Beside the write-ahead log a reader waits for no writer, and no writer for a reader.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from hullo.errors import StoreUnavailable
from hullo_stores.peewee.faults import translate_sqlite_error
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.search.limits import SEARCH_CONNECTIONS, SEARCH_PATIENCE_SECONDS, SEARCH_SECONDS

_STEPS_BETWEEN_CHECKS: Final = 100_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""


class _Reader:
    """Implement `Connection`: one connection, with a time at which it gives up."""

    def __init__(self, driver: sqlite3.Connection, path: str) -> None:
        self._driver = driver
        self._path = path
        self._deadline = 0.0
        driver.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS_BETWEEN_CHECKS)

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        try:
            return self._driver.execute(text, cast("Sequence[str]", values)).fetchall()
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._path) from error

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """Let all statements see one moment."""
        self._deadline = time.monotonic() + SEARCH_SECONDS
        self.rows("BEGIN")
        try:
            yield
        finally:
            # An interrupt may have ended it. Without the deadline: it may be over.
            self._deadline = float("inf")
            if self._driver.in_transaction:
                self.rows("ROLLBACK")

    def close(self) -> None:
        self._driver.close()


class SearchConnections:
    """A few connections, opened on first use."""

    def __init__(self, path: str, set_up: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._set_up = set_up
        self._free = threading.BoundedSemaphore(SEARCH_CONNECTIONS)
        self._idle: queue.SimpleQueue[_Reader] = queue.SimpleQueue()
        self._is_open = False

    def open(self) -> None:
        """Allow searches."""
        self._is_open = True

    def close(self) -> None:
        """Close idle connections. One that is in use is closed once it is returned."""
        self._is_open = False
        self._close_idle()

    @contextmanager
    def transaction(self) -> Generator[_Reader]:
        """See `Engine.search_transaction`."""
        if not self._free.acquire(timeout=SEARCH_PATIENCE_SECONDS):
            raise StoreUnavailable("too many searches are under way; try again in a moment")
        try:
            if not self._is_open:
                raise StoreUnavailable("the store is not open")
            reader = self._take()
            try:
                with reader.snapshot():
                    yield reader
            finally:
                self._idle.put(reader)
                if not self._is_open:  # closed meanwhile
                    self._close_idle()
        finally:
            self._free.release()

    def _take(self) -> _Reader:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._connect()

    def _connect(self) -> _Reader:
        # Not "ro": the last one to close must be able to write, to remove the write-ahead log.
        uri = f"{Path(self._path).absolute().as_uri()}?mode=rw"
        try:
            driver = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self._set_up(driver)
            driver.execute("PRAGMA query_only = 1")
        except sqlite3.Error as error:
            raise translate_sqlite_error(error, self._path) from error
        return _Reader(driver, self._path)

    def _close_idle(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return
