"""Origins that an app lists, remembered so that a flood of refused requests does not reach the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.request_context import Clock
from hullo.ratelimit.windows import LocalWindows

# After an app lists a new origin, its pages wait this long at most to read errors.
CACHE_TTL: Final[Instant] = 10 * SECOND
MAX_ORIGINS: Final = 1_000
ORIGIN_MAX_LENGTH: Final = 300
LOOKUPS_PER_MINUTE: Final = 60
"""Lookups of unknown origins. Beyond that a page cannot read why it was refused."""


class OriginCache:
    """Remember for `CACHE_TTL` whether an app lists an origin. Several event loops may share one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lookups = LocalWindows(clock)
        self._entries: OrderedDict[str, tuple[bool, Instant]] = OrderedDict()
        # Never held across an `await`: the event loops of several threads share the entries.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    async def is_listed(self, origin: str, look_up: Callable[[], Awaitable[bool]]) -> bool:
        """Whether an app lists the origin. `look_up` asks the store. False when too many were looked up."""
        with self._lock:
            known = self._entries.get(origin)
        # 0 <=: after the clock was set back an entry would otherwise be good for too long.
        if known is not None and 0 <= self._clock() - known[1] < CACHE_TTL:
            return known[0]
        # One window for all origins: a flood sends a new origin with each call.
        if len(origin) > ORIGIN_MAX_LENGTH or not self._lookups.acquire("", LOOKUPS_PER_MINUTE).is_taken:
            return False
        # Race: two calls may look up one origin at once; the later answer stays.
        listed = await look_up()
        with self._lock:
            # Removed first, so that a renewed origin moves to the end: the front is the oldest.
            self._entries.pop(origin, None)
            self._entries[origin] = (listed, self._clock())
            while len(self._entries) > MAX_ORIGINS:
                self._entries.popitem(last=False)
        return listed
