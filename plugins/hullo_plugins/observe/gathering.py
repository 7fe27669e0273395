"""Calls counted in memory, and handed over a moment later: what is called often is written seldom."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from hullo.plugin import HulloError

_log = logging.getLogger("hullo.gathering")

Key = TypeVar("Key", bound=Hashable)


class BufferedCounter(Generic[Key]):
    """Hands over what it has counted so many seconds after the first of it. What it holds is lost with the process.

    `keep` is called by one thread at a time, and never with nothing. When it raises a `HulloError`, what it was given
    is counted on, and handed over the next time.
    """

    def __init__(self, seconds: float, write: Callable[[Counter[Key]], None]) -> None:
        self._seconds = seconds
        self._write = write
        self._counts: Counter[Key] = Counter()
        self._timer: threading.Timer | None = None
        self._counts_lock = threading.Lock()
        self._write_lock = threading.Lock()

    def increment(self, key: Key) -> None:
        """One more of these. Returns at once."""
        with self._counts_lock:
            self._counts[key] += 1
            if self._timer is None:
                self._timer = threading.Timer(self._seconds, self._flush)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Hands over what there is, and waits for what is being handed over."""
        with self._counts_lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._flush()

    def _flush(self) -> None:
        with self._write_lock:
            with self._counts_lock:
                self._timer = None
                counted, self._counts = self._counts, Counter()
            if not counted:
                return
            try:
                self._write(counted)
            except HulloError as error:
                _log.warning("calls are counted on in memory, since the store cannot keep them: %s", error.code)
                with self._counts_lock:
                    self._counts.update(counted)
