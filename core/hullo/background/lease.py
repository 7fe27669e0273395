"""The right to do work that one process at a time should do."""

from __future__ import annotations

from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.request_context import Clock
from hullo.store.protocol import Outbox

LIFETIME: Final[Instant] = 30 * SECOND
"""How long a lease lasts without renewal. The work of a killed process rests for at most this long."""


class Lease:
    """Hold one named lease for one holder (`Outbox.acquire_lease`). Not safe to use from two threads at once.

    A lease makes double work rare, not impossible: a process that was suspended may come back after its lease has
    passed to another. Work under a lease must therefore be safe to do twice.
    """

    def __init__(self, store: Outbox, name: str, holder: str, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._holder = holder
        self._clock = clock
        # What this process knows: the store may know better. 0 means that the lease is not held.
        self._expires_at: Instant = 0

    @property
    def is_held(self) -> bool:
        """Whether this holder has the lease, as far as it knows. Asks the store nothing."""
        # The clock, not a flag: a process that was suspended wakes up with an expired lease.
        return self._clock() < self._expires_at

    def renew(self) -> bool:
        """Acquire or prolong the lease. Returns whether it is held for half its lifetime from now, at least.

        Writes to the store only when less than that is left, so it may be called for every event.
        """
        now = self._clock()
        if now + LIFETIME // 2 < self._expires_at:
            return True
        # `now` from before the write: a slow write makes the lease end earlier here than in the store, never later.
        until = now + LIFETIME
        self._expires_at = until if self._store.acquire_lease(self._name, self._holder, now, until) else 0
        return self._expires_at > 0

    def release(self) -> None:
        """Let another holder have the lease at once. Does nothing when it is not held."""
        if self._expires_at:
            # Forget it first: if the store fails, this process must not go on as the holder.
            self._expires_at = 0
            # The store compares the holder, so a lease that has passed to another process stays with it.
            self._store.release_lease(self._name, self._holder)
