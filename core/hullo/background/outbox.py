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

from hullo.background.lease import Lease
from hullo.background.webhook_fan_out import deliveries_for
from hullo.background.worker import BackgroundWorker, describe_error
from hullo.errors import TooContended
from hullo.hooks.manager import PluginManager
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.event import Event
from hullo.model.request_context import Clock
from hullo.store.backoff import attempts
from hullo.store.protocol import Applied, Store

_log = logging.getLogger("hullo.outbox")

LEASE_NAME: Final = "outbox"
BATCH_SIZE: Final = 100
"""Events that leave the outbox together."""
MAX_BATCH_SECONDS: Final = 1.0
"""Seconds of telling after which a batch ends early: what a crash then tells again is no more than that."""
BUSY_INTERVAL: Final = 0.25
"""Seconds for which a process that has told something stays in charge, and after which one that was not in charge asks
again."""
IDLE_INTERVAL: Final = 1.0
"""Seconds between looks at an outbox that was empty: what another process left behind when it was killed is found."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds that closing takes at most, whatever observers do."""


class _DrainResult(Enum):
    """How a look at the outbox ended."""

    EMPTY = "there was nothing in it"
    TOLD = "all that was in it is told"
    TO_ANOTHER = "another process is at it"
    LATER = "there is no time left"


class OutboxWorker:
    """Tells of every event at least once, those of one contact in order, from one of all processes over a store.

    Observers are told in a thread of this process; what they do holds up nobody but the events behind. For webhooks
    deliveries are written in the transaction in which the event leaves the outbox: a crash at any point tells again,
    and neither loses nor doubles a delivery.
    """

    def __init__(self, hooks: PluginManager, store: Store, clock: Clock) -> None:
        self._hooks = hooks
        self._store = store
        self._clock = clock
        self._lease = Lease(store, LEASE_NAME, secrets.token_hex(16), clock)
        self._worker = BackgroundWorker(LEASE_NAME, self._run_once)
        self._drain_lock = threading.Lock()
        self._draining_thread: int | None = None
        self._deadline = math.inf
        self._delivery_callbacks: dict[str, Callable[[], None]] = {}
        self._has_dispatched = False

    def open(self) -> None:
        """Nudges count from now on. The store is open."""
        self._deadline, self._has_dispatched = math.inf, False
        self._worker.start()

    def wake(self) -> None:
        """There is something to tell, or may be. Returns at once."""
        self._worker.wake()

    def on_deliveries(self, name: str, callback: Callable[[], None]) -> None:
        """`begin` is called whenever deliveries were written, and once with the first round, as there may be some from
        before. Until it is closed, or another one takes that name."""
        self._delivery_callbacks[name] = callback

    def drain(self) -> None:
        """Returns when everything that was in the outbox is told; at once where another process is at it.

        Raises `StoreUnavailable`.
        """
        if self._draining_thread == threading.get_ident():
            return  # an observer asks, which is told of the rest when it is done
        with self._drain_lock:
            self._drain()

    def close(self) -> None:
        """Tells what there is, within `CLOSE_TIMEOUT` seconds. The rest stays in the outbox."""
        self._deadline = time.monotonic() + CLOSE_TIMEOUT
        self._worker.stop(CLOSE_TIMEOUT)
        if self._drain_lock.acquire(blocking=False):
            try:
                self._drain()
                self._lease.release()
            except Exception as failed:
                _log.warning("events stay in the outbox until the next start: %s", describe_error(failed))
            finally:
                self._drain_lock.release()
        self._delivery_callbacks.clear()

    def _run_once(self) -> float:
        if not self._has_dispatched:
            self._has_dispatched = True
            self._dispatch()
        with self._drain_lock:
            left = self._drain()
            if left is _DrainResult.EMPTY:
                self._lease.release()
        return IDLE_INTERVAL if left is _DrainResult.EMPTY else BUSY_INTERVAL

    def _drain(self) -> _DrainResult:
        self._draining_thread = threading.get_ident()
        try:
            left = _DrainResult.EMPTY
            while time.monotonic() < self._deadline:
                events = self._store.list_outbox(BATCH_SIZE)
                if not events:
                    return left
                if not self._lease.is_held:
                    if not self._lease.renew():
                        return _DrainResult.TO_ANOTHER
                    continue  # whoever had it may have told these meanwhile: look again
                self._publish_batch(events)
                left = _DrainResult.TOLD
            return _DrainResult.LATER
        finally:
            self._draining_thread = None

    def _publish_batch(self, events: Sequence[Event]) -> None:
        told: list[Event] = []
        end = time.monotonic() + MAX_BATCH_SECONDS
        for event in events:
            if not self._lease.renew():
                return  # an observer took so long that another process is telling all of this again
            self._hooks.event_committed(event)
            told.append(event)
            if time.monotonic() > min(end, self._deadline):
                break
        self._release(told)

    def _release(self, told: Sequence[Event]) -> None:
        """The events leave the outbox, and there is a delivery for every webhook that wants one: both or neither."""
        deliveries = deliveries_for(told, self._store.list_webhooks(None), self._clock())
        for _ in attempts():
            changes = ChangeSet(
                deliveries=tuple(map(insertion, deliveries)), dispatched_event_ids=tuple(event.id for event in told)
            )
            if isinstance(self._store.apply([changes])[0], Applied):
                break
            # A process that was taken for dead wrote some of them after all.
            deliveries = tuple(each for each in deliveries if self._store.find_delivery(each.id) is None)
        else:
            raise TooContended
        if deliveries:
            self._dispatch()

    def _dispatch(self) -> None:
        for begin in self._delivery_callbacks.values():
            begin()
