"""Counting windows in this process: a window begins with the first call that it counts, and lasts a minute."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from hullo.model.instant import MINUTE, SECOND, Instant
from hullo.model.moment import Clock

ROOM: Final = 100_000
"""How many windows are kept, of everybody together: some 35 MB when all are taken."""
SWEPT_AT_ONCE: Final = 8
"""Windows that are over, cleared away with each that begins: it shrinks faster than it grew, and nobody waits."""


class Place(NamedTuple):
    """What came of asking for a place in a window."""

    key: str
    ends_at: Instant
    """The window's end. With the key it names the window, so that nothing is given back to the one after it."""
    wait: int | None = None
    """Seconds until there is room again; None when there was room, and the place is taken."""
    repeated: bool = False
    """Whether the last that took a place in this window said the same."""
    shared: bool = False
    """Whether the window is in Redis."""

    @property
    def taken(self) -> bool:
        """Whether there was room."""
        return self.wait is None


class _Window:
    __slots__ = ("ends_at", "said", "taken")

    def __init__(self, ends_at: Instant) -> None:
        self.ends_at = ends_at
        self.taken = 0
        self.said = b""


class Windows:
    """Windows by key. Safe to use from several threads; when there are too many, the oldest is forgotten."""

    def __init__(self, clock: Clock, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._lock = threading.Lock()
        # In the order in which they began. A plain dict finds its first key slowly once many were taken from there.
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, key: str, limit: int, said: bytes = b"") -> Place:
        """A place, if fewer than `limit` are taken. `said` tells repeats: a digest of what the caller says."""
        with self._lock:
            now = self._clock()
            window = self._windows.get(key)
            # The second half is for a clock that was set back.
            if window is None or not now < window.ends_at <= now + MINUTE:
                window = self._begin(key, now)
            repeated = said != b"" and said == window.said
            if window.taken >= limit:
                return Place(key, window.ends_at, seconds(window.ends_at - now), repeated)
            window.taken += 1
            window.said = said
            return Place(key, window.ends_at, None, repeated)

    def give_back(self, place: Place) -> None:
        """As if the place had never been taken."""
        with self._lock:
            window = self._windows.get(place.key)
            if window is not None and window.ends_at == place.ends_at and window.taken:
                window.taken -= 1

    def hand_on(self, place: Place, key: str) -> None:
        """From here on the other key has this window too, with all that is taken in it."""
        with self._lock:
            window = self._windows.get(place.key)
            if window is not None and window.ends_at == place.ends_at:
                self._windows[key] = window
                self._make_room()

    def _begin(self, key: str, now: Instant) -> _Window:
        self._windows.pop(key, None)
        for _ in range(SWEPT_AT_ONCE):
            oldest = next(iter(self._windows.values()), None)
            if oldest is None or now < oldest.ends_at:
                break
            self._windows.popitem(last=False)
        window = self._windows[key] = _Window(now + MINUTE)
        self._make_room()
        return window

    def _make_room(self) -> None:
        while len(self._windows) > self._room:
            self._windows.popitem(last=False)


def seconds(left: Instant) -> int:
    """In whole seconds, and rather one too many than one too few."""
    return max(-(-left // SECOND), 1)
