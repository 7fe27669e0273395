"""Counting windows in this process: a window begins with the first call that it counts, and lasts a minute."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from hullo.model.instant import MINUTE, SECOND, Instant
from hullo.model.request_context import Clock

MAX_WINDOWS: Final = 100_000
"""How many windows are kept, of everybody together: some 35 MB when all are taken."""
SWEEP_BATCH: Final = 8
"""Windows that are over, cleared away with each that begins: it shrinks faster than it grew, and nobody waits."""


class Slot(NamedTuple):
    """What came of asking for a place in a window."""

    key: str
    ends_at: Instant
    """The window's end. With the key it names the window, so that nothing is given back to the one after it."""
    retry_after: int | None = None
    """Seconds until there is room again; None when there was room, and the place is taken."""
    is_repeat: bool = False
    """Whether the last that took a place in this window said the same."""
    in_redis: bool = False
    """Whether the window is in Redis."""

    @property
    def is_taken(self) -> bool:
        """Whether there was room."""
        return self.retry_after is None


class _Window:
    __slots__ = ("count", "ends_at", "last_digest")

    def __init__(self, ends_at: Instant) -> None:
        self.ends_at = ends_at
        self.count = 0
        self.last_digest = b""


class LocalWindows:
    """Windows by key. Safe to use from several threads; when there are too many, the oldest is forgotten."""

    def __init__(self, clock: Clock, max_windows: int = MAX_WINDOWS) -> None:
        self._clock = clock
        self._max_windows = max_windows
        self._lock = threading.Lock()
        # In the order in which they began. A plain dict finds its first key slowly once many were taken from there.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def acquire(self, key: str, limit: int, digest: bytes = b"") -> Slot:
        """A place, if fewer than `limit` are taken. `said` tells repeats: a digest of what the caller says."""
        with self._lock:
            now = self._clock()
            window = self._windows.get(key)
            # The second half is for a clock that was set back.
            if window is None or not now < window.ends_at <= now + MINUTE:
                window = self._start_window(key, now)
            repeated = digest != b"" and digest == window.last_digest
            if window.count >= limit:
                return Slot(key, window.ends_at, whole_seconds(window.ends_at - now), repeated)
            window.count += 1
            window.last_digest = digest
            return Slot(key, window.ends_at, None, repeated)

    def release(self, slot: Slot) -> None:
        """As if the place had never been taken."""
        with self._lock:
            window = self._windows.get(slot.key)
            if window is not None and window.ends_at == slot.ends_at and window.count:
                window.count -= 1

    def transfer(self, slot: Slot, key: str) -> None:
        """From here on the other key has this window too, with all that is taken in it."""
        with self._lock:
            window = self._windows.get(slot.key)
            if window is not None and window.ends_at == slot.ends_at:
                self._windows[key] = window
                self._evict_oldest()

    def _start_window(self, key: str, now: Instant) -> _Window:
        self._windows.pop(key, None)
        for _ in range(SWEEP_BATCH):
            oldest = next(iter(self._windows.values()), None)
            if oldest is None or now < oldest.ends_at:
                break
            self._windows.popitem(last=False)
        window = self._windows[key] = _Window(now + MINUTE)
        self._evict_oldest()
        return window

    def _evict_oldest(self) -> None:
        while len(self._windows) > self._max_windows:
            self._windows.popitem(last=False)


def whole_seconds(duration: Instant) -> int:
    """In whole seconds, and rather one too many than one too few."""
    return max(-(-duration // SECOND), 1)
