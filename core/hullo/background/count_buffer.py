"""Counts that are kept in memory and written a moment later: what happens often is written seldom."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

from hullo.errors import HulloError
from hullo.hooks.host import Host

_log = logging.getLogger("hullo.gathering")

Key = TypeVar("Key", bound=Hashable)


class CountBuffer(ABC, Generic[Key]):
    """Counts, and writes all counts together `seconds` after the first of them.

    Counts nothing while it is closed. What it holds is lost when the process is killed. Safe to use from several
    threads.
    """

    def __init__(self, seconds: float) -> None:
        self._host: Host | None = None
        self._seconds = seconds
        self._counts: Counter[Key] = Counter()
        self._timer: threading.Timer | None = None
        # Two locks, so that a count never waits for the store: this one is held for a moment, and the other one for
        # as long as a write takes, so that `close` waits for a write of the timer's thread.
        self._counts_lock = threading.Lock()
        self._write_lock = threading.Lock()

    def open(self, host: Host) -> None:
        """Begin to count."""
        self._host = host

    def close(self) -> None:
        """Write what is counted, and wait for a write that is under way."""
        with self._counts_lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._flush()
        self._host = None

    @abstractmethod
    def _write(self, host: Host, counts: Counter[Key]) -> None:
        """Write counts to the store. Called by one thread at a time, never without a count.

        May raise `HulloError`; then the same counts come again, with the later ones.
        """

    def _increment(self, key: Key) -> None:
        """Count one more. Returns at once."""
        with self._counts_lock:
            self._counts[key] += 1
            if self._timer is None:
                # A daemon: a program that forgets to close hullo must not hang at its end.
                self._timer = threading.Timer(self._seconds, self._flush)
                self._timer.daemon = True
                self._timer.start()

    def _flush(self) -> None:
        with self._write_lock:
            # Taken out before the write: what is counted meanwhile starts the next timer.
            with self._counts_lock:
                self._timer = None
                counts, self._counts = self._counts, Counter()
            host = self._host
            if host is None or not counts:
                return
            try:
                self._write(host, counts)
            except HulloError as error:
                _log.warning("calls are counted on in memory, since the store cannot keep them: %s", error.code)
                with self._counts_lock:
                    self._counts.update(counts)
