"""The right to do what one process at a time should do."""

from __future__ import annotations

from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.request_context import Clock
from hullo.store.protocol import Outbox

LIFETIME: Final[Instant] = 30 * SECOND
"""After that the next one may have it: for so long nobody does the work of a process that was killed."""


class Lease:
    """One holder's part in a lease (`Outbox.take_lease`). For one thread at a time."""

    def __init__(self, store: Outbox, name: str, holder: str, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._clock = clock
        self._expires_at: Instant = 0

    @property
    def is_held(self) -> bool:
        """Whether it is theirs by what they know. Asks nobody."""
        return self._clock() < self._expires_at

    def renew(self) -> bool:
        """Whether it is theirs for half of its life from now on, at least; asks for it where it must."""
        now = self._clock()
        if now + LIFETIME // 2 < self._expires_at:
            return True
        until = now + LIFETIME
        self._expires_at = until if self._store.acquire_lease(self._name, self._holder, now, until) else 0
        return self._expires_at > 0

    def release(self) -> None:
        """The next one may have it at once. Nothing where it is not theirs."""
        if self._expires_at:
            self._expires_at = 0
            self._store.release_lease(self._name, self._holder)
