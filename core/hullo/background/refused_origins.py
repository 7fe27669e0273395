"""Counts of refused origins, for `hullo doctor` and `hullo app show`, which run in other processes."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hullo.background.count_buffer import CountBuffer
from hullo.hooks.host import Host
from hullo.model.change_set import ChangeSet
from hullo.model.instant import HOUR, Instant
from hullo.model.refused_origin import ORIGIN_MAX_LENGTH, OTHER_ORIGINS, RefusedOrigin

INTERVAL: Final = 5.0
"""Seconds between two writes: a flood of refused calls must not become a flood of writes."""
MAX_ORIGINS: Final = 50
"""Origins that are kept apart, of one app and hour: callers may send any number of them."""

OriginKey = tuple[str, Instant, str]
"""The app's id, empty for a preflight; the hour; and the origin."""


class RefusedOriginCounter(CountBuffer[OriginKey]):
    """Add refused calls to the counts of their app, hour and origin."""

    def __init__(self, seconds: float = INTERVAL) -> None:
        super().__init__(seconds)

    def count(self, app_id: str, origin: str, now: Instant) -> None:
        """Count a refused call. Returns at once; does nothing while hullo is closed."""
        if self._host is None:
            return
        key = app_id, now - now % HOUR, origin
        # Read without the lock: a race keeps a few more apart, and the write counts again.
        if len(origin) > ORIGIN_MAX_LENGTH or (len(self._counts) >= MAX_ORIGINS and key not in self._counts):
            key = app_id, key[1], OTHER_ORIGINS
        self._increment(key)

    def _write(self, host: Host, counts: Counter[OriginKey]) -> None:
        known: dict[tuple[str, Instant], set[str]] = {}
        # What other processes have counted takes room too, so that the table stays small however many there are.
        for held in host.store.list_refused_origins(host.clock()):
            known.setdefault((held.app_id, held.hour), set()).add(held.origin)
        refused: list[RefusedOrigin] = []
        for (app_id, hour, origin), calls in counts.items():
            apart = known.setdefault((app_id, hour), set())
            if origin not in apart and len(apart) >= MAX_ORIGINS:
                origin = OTHER_ORIGINS
            apart.add(origin)
            refused.append(RefusedOrigin(app_id=app_id, hour=hour, origin=origin, calls=calls))
        host.store.apply([ChangeSet(refused_origins=tuple(refused))])
