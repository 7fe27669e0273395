"""The right to do what one process at a time should do."""

from __future__ import annotations

from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.moment import Clock
from hullo.store.protocol import Outbox

LIFE: Final[Instant] = 30 * SECOND
"""After that the next one may have it: for so long nobody does the work of a process that was killed."""


class Lease:
    """One holder's part in a lease (`Outbox.take_lease`). For one thread at a time."""

    def __init__(self, store: Outbox, name: str, holder: str, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._clock = clock
        self._until: Instant = 0

    @property
    def held(self) -> bool:
        """Whether it is theirs by what they know. Asks nobody."""
        return self._clock() < self._until

    def keep(self) -> bool:
        """Whether it is theirs for half of its life from now on, at least; asks for it where it must."""
        now = self._clock()
        if now + LIFE // 2 < self._until:
            return True
        until = now + LIFE
        self._until = until if self._store.take_lease(self._name, self._holder, now, until) else 0
        return self._until > 0

    def give_up(self) -> None:
        """The next one may have it at once. Nothing where it is not theirs."""
        if self._until:
            self._until = 0
            self._store.give_up_lease(self._name, self._holder)
