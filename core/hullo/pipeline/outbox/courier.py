"""Events on their way out: from the outbox, where they were committed, to everybody who listens (R4)."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from hullo.errors import TooContended
from hullo.hooks.relay import Relay
from hullo.model.change_set import ChangeSet, created
from hullo.model.event import Event
from hullo.model.moment import Clock
from hullo.pipeline.outbox.fan_out import deliveries_of
from hullo.pipeline.outbox.lease import Lease
from hullo.pipeline.retry import tries
from hullo.pipeline.rounds import Rounds, reason_of
from hullo.store.protocol import Applied, Store

_log = logging.getLogger("hullo.outbox")

LEASE: Final = "outbox"
BATCH: Final = 100
"""Events that leave the outbox together."""
LONGEST_BATCH: Final = 1.0
"""Seconds of telling after which a batch ends early: what a crash then tells again is no more than that."""
SOON: Final = 0.25
"""Seconds for which a process that has told something stays in charge, and after which one that was not in charge asks
again."""
IDLE: Final = 1.0
"""Seconds between looks at an outbox that was empty: what another process left behind when it was killed is found."""
CLOSING: Final = 5.0
"""Seconds that closing takes at most, whatever observers do."""


class _Left(Enum):
    """How a look at the outbox ended."""

    EMPTY = "there was nothing in it"
    TOLD = "all that was in it is told"
    TO_ANOTHER = "another process is at it"
    LATER = "there is no time left"


class Courier:
    """Tells of every event at least once, those of one contact in order, from one of all processes over a store.

    Observers are told in a thread of this process; what they do holds up nobody but the events behind. For webhooks
    deliveries are written in the transaction in which the event leaves the outbox: a crash at any point tells again,
    and neither loses nor doubles a delivery.
    """

    def __init__(self, hooks: Relay, store: Store, clock: Clock) -> None:
        self._hooks = hooks
        self._store = store
        self._clock = clock
        self._lease = Lease(store, LEASE, secrets.token_hex(16), clock)
        self._rounds = Rounds(LEASE, self._go_round)
        self._telling = threading.Lock()
        self._teller: int | None = None
        self._deadline = math.inf
        self._waiting: dict[str, Callable[[], None]] = {}
        self._announced = False

    def open(self) -> None:
        """Nudges count from now on. The store is open."""
        self._deadline, self._announced = math.inf, False
        self._rounds.begin()

    def nudge(self) -> None:
        """There is something to tell, or may be. Returns at once."""
        self._rounds.nudge()

    def after_deliveries(self, name: str, begin: Callable[[], None]) -> None:
        """`begin` is called whenever deliveries were written, and once with the first round, as there may be some from
        before. Until it is closed, or another one takes that name."""
        self._waiting[name] = begin

    def drain(self) -> None:
        """Returns when everything that was in the outbox is told; at once where another process is at it.

        Raises `StoreUnavailable`.
        """
        if self._teller == threading.get_ident():
            return  # an observer asks, which is told of the rest when it is done
        with self._telling:
            self._tell_all()

    def close(self) -> None:
        """Tells what there is, within `CLOSING` seconds. The rest stays in the outbox."""
        self._deadline = time.monotonic() + CLOSING
        self._rounds.end(CLOSING)
        if self._telling.acquire(blocking=False):
            try:
                self._tell_all()
                self._lease.give_up()
            except Exception as failed:
                _log.warning("events stay in the outbox until the next start: %s", reason_of(failed))
            finally:
                self._telling.release()
        self._waiting.clear()

    def _go_round(self) -> float:
        if not self._announced:
            self._announced = True
            self._announce()
        with self._telling:
            left = self._tell_all()
            if left is _Left.EMPTY:
                self._lease.give_up()
        return IDLE if left is _Left.EMPTY else SOON

    def _tell_all(self) -> _Left:
        self._teller = threading.get_ident()
        try:
            left = _Left.EMPTY
            while time.monotonic() < self._deadline:
                events = self._store.list_outbox(BATCH)
                if not events:
                    return left
                if not self._lease.held:
                    if not self._lease.keep():
                        return _Left.TO_ANOTHER
                    continue  # whoever had it may have told these meanwhile: look again
                self._tell(events)
                left = _Left.TOLD
            return _Left.LATER
        finally:
            self._teller = None

    def _tell(self, events: Sequence[Event]) -> None:
        told: list[Event] = []
        end = time.monotonic() + LONGEST_BATCH
        for event in events:
            if not self._lease.keep():
                return  # an observer took so long that another process is telling all of this again
            self._hooks.event_committed(event)
            told.append(event)
            if time.monotonic() > min(end, self._deadline):
                break
        self._let_go(told)

    def _let_go(self, told: Sequence[Event]) -> None:
        """The events leave the outbox, and there is a delivery for every webhook that wants one: both or neither."""
        deliveries = deliveries_of(told, self._store.list_webhooks(None), self._clock())
        for _ in tries():
            changes = ChangeSet(deliveries=tuple(map(created, deliveries)), told=tuple(event.id for event in told))
            if isinstance(self._store.apply([changes])[0], Applied):
                break
            # A process that was taken for dead wrote some of them after all.
            deliveries = tuple(each for each in deliveries if self._store.find_delivery(each.id) is None)
        else:
            raise TooContended
        if deliveries:
            self._announce()

    def _announce(self) -> None:
        for begin in self._waiting.values():
            begin()
