"""Counting windows in this process. A window begins with the first request that it counts, and lasts a minute."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from hullo.model.instant import MINUTE, SECOND, Instant
from hullo.model.request_context import Clock

MAX_WINDOWS: Final = 100_000
"""Windows of all keys together: about 35 MB."""
SWEEP_BATCH: Final = 8
"""Expired windows that are removed with each new one: enough to shrink, and too few to delay a request."""


class Slot(NamedTuple):
    """The result of asking a window for room."""

    key: str
    ends_at: Instant
    """The window's end. With the key it identifies the window, so that a slot is not given back to the next one."""
    retry_after: int | None = None
    """Seconds until there is room again. None: there was room, and the slot is taken."""
    is_repeat: bool = False
    """Whether the last request that took a slot had the same digest."""
    in_redis: bool = False
    """Whether the window is in Redis."""

    @property
    def is_taken(self) -> bool:
        """Whether there was room."""
        return self.retry_after is None


class _Window:
    # There may be 100,000 of these: slots save a dict for each.
    __slots__ = ("count", "ends_at", "last_digest")

    def __init__(self, ends_at: Instant) -> None:
        self.ends_at = ends_at
        self.count = 0
        self.last_digest = b""


class LocalWindows:
    """Windows by key. Safe to use from several threads. When there are too many, the oldest is dropped."""

    def __init__(self, clock: Clock, max_windows: int = MAX_WINDOWS) -> None:
        self._clock = clock
        self._max_windows = max_windows
        self._lock = threading.Lock()
        # In the order in which they began. Not a plain dict: it finds its first key slowly after many deletions.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def acquire(self, key: str, limit: int, digest: bytes = b"") -> Slot:
        """Take a slot if fewer than `limit` are taken. `digest`, of the request's body, marks repeats."""
        with self._lock:
            # The clock is read under the lock, so that windows are kept in the order in which they begin.
            now = self._clock()
            window = self._windows.get(key)
            # `<= now + MINUTE`: after the clock was set back a window must not last longer than a minute.
            if window is None or not now < window.ends_at <= now + MINUTE:
                window = self._start_window(key, now)
            # Without a digest there was no body to compare, so two such calls are no repeat.
            repeated = digest != b"" and digest == window.last_digest
            if window.count >= limit:
                return Slot(key, window.ends_at, whole_seconds(window.ends_at - now), repeated)
            window.count += 1
            window.last_digest = digest
            return Slot(key, window.ends_at, None, repeated)

    def release(self, slot: Slot) -> None:
        """Give a slot back, as if it had never been taken. Does nothing once its window has ended."""
        with self._lock:
            window = self._windows.get(slot.key)
            # A later window of the same key has another end: a slot of the old one must not free room in it.
            if window is not None and window.ends_at == slot.ends_at and window.count:
                window.count -= 1

    def transfer(self, slot: Slot, key: str) -> None:
        """Let another key share the slot's window, with all that is taken in it."""
        with self._lock:
            window = self._windows.get(slot.key)
            if window is not None and window.ends_at == slot.ends_at:
                # The same object under both keys: calls of the old and the new session fill one window.
                self._windows[key] = window
                self._evict_oldest()

    def _start_window(self, key: str, now: Instant) -> _Window:
        # Removed first, so that the new window stands at the end: the front is the oldest.
        self._windows.pop(key, None)
        for _ in range(SWEEP_BATCH):
            oldest = next(iter(self._windows.values()), None)
            # Behind a window that is still open hardly any has ended: they stand in the order of their begin.
            if oldest is None or now < oldest.ends_at:
                break
            self._windows.popitem(last=False)
        window = self._windows[key] = _Window(now + MINUTE)
        self._evict_oldest()
        return window

    def _evict_oldest(self) -> None:
        # An open window may go too: a bound on memory matters more than one exact count.
        while len(self._windows) > self._max_windows:
            self._windows.popitem(last=False)


def whole_seconds(duration: Instant) -> int:
    """Round up to whole seconds, at least 1: a client that waits for them must not come too early."""
    return max(-(-duration // SECOND), 1)
