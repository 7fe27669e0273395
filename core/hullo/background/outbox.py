"""Events on their way from the outbox, where they were committed, to observers and webhooks (R4)."""

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
from hullo.background.worker import BackgroundWorker
from hullo.errors import TooContended, describe_error
from hullo.hooks.manager import PluginManager
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.event import Event
from hullo.model.request_context import Clock
from hullo.store.backoff import attempts
from hullo.store.protocol import Applied, Store

_log = logging.getLogger("hullo.outbox")

LEASE_NAME: Final = "outbox"
BATCH_SIZE: Final = 100
"""How many events leave the outbox together."""
MAX_BATCH_SECONDS: Final = 1.0
"""Seconds of publishing after which a batch ends early. A crash publishes no more than one batch a second time."""
BUSY_INTERVAL: Final = 0.25
"""Seconds after which a process that has published looks again, still with the lease, and after which a process without
the lease asks for it again."""
IDLE_INTERVAL: Final = 1.0
"""Seconds between looks at an empty outbox. Such a look finds what a killed process left behind."""
CLOSE_TIMEOUT: Final = 5.0
"""Seconds that closing takes at most, even when an observer hangs."""


class _DrainResult(Enum):
    """How draining the outbox ended."""

    EMPTY = "it was empty"
    PUBLISHED = "all its events are published"
    LEASE_ELSEWHERE = "another process holds the lease"
    OUT_OF_TIME = "closing leaves no more time"


class OutboxWorker:
    """Publish every event at least once, and the events of one contact in order, from one process at a time.

    Observers run in a thread of this process; a slow one delays only the events behind it. For webhooks, deliveries are
    written in the transaction in which the event leaves the outbox: after a crash at any point observers hear of an
    event again, while a delivery is neither lost nor doubled.
    """

    def __init__(self, hooks: PluginManager, store: Store, clock: Clock) -> None:
        self._hooks = hooks
        self._store = store
        self._clock = clock
        self._lease = Lease(store, LEASE_NAME, secrets.token_hex(16), clock)
        self._worker = BackgroundWorker(LEASE_NAME, self._run_once)
        # One drain at a time in this process. The lease does not do that: all threads here are one holder.
        self._drain_lock = threading.Lock()
        self._draining_thread: int | None = None
        self._deadline = math.inf
        self._delivery_callbacks: dict[str, Callable[[], None]] = {}
        self._has_dispatched = False

    def open(self) -> None:
        """Let `wake` take effect from now on. The store must be open."""
        self._deadline, self._has_dispatched = math.inf, False
        self._worker.start()

    def wake(self) -> None:
        """Say that the outbox may hold events. Returns at once."""
        self._worker.wake()

    def on_deliveries(self, name: str, callback: Callable[[], None]) -> None:
        """Call `callback` whenever deliveries were written, and once with the first run: some may be left from before.

        Ends when the worker closes, or when another callback takes the name.
        """
        self._delivery_callbacks[name] = callback

    def drain(self) -> None:
        """Publish everything in the outbox, and return then; at once when another process holds the lease.

        Raises `StoreUnavailable`.
        """
        # An observer that drains would wait for its own thread. The drain it runs in publishes the rest.
        if self._draining_thread == threading.get_ident():
            return
        with self._drain_lock:
            self._drain()

    def close(self) -> None:
        """Publish what is in the outbox, within `CLOSE_TIMEOUT` seconds. The rest stays there for the next start."""
        # Monotonic, as the wall clock may be set back. Set before `stop`, so that a drain under way sees it.
        self._deadline = time.monotonic() + CLOSE_TIMEOUT
        self._worker.stop(CLOSE_TIMEOUT)
        # Not taken when an observer still hangs in the worker's thread: closing must not hang with it.
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
        """Drain the outbox. Returns the seconds until the next run."""
        if not self._has_dispatched:
            self._has_dispatched = True
            self._call_delivery_callbacks()
        with self._drain_lock:
            result = self._drain()
            # Released only when idle: while events keep coming, each run would pay two writes for the lease.
            if result is _DrainResult.EMPTY:
                self._lease.release()
        return IDLE_INTERVAL if result is _DrainResult.EMPTY else BUSY_INTERVAL

    def _drain(self) -> _DrainResult:
        self._draining_thread = threading.get_ident()
        try:
            result = _DrainResult.EMPTY
            while time.monotonic() < self._deadline:
                events = self._store.list_outbox(BATCH_SIZE)
                if not events:
                    return result
                if not self._lease.is_held:
                    if not self._lease.renew():
                        return _DrainResult.LEASE_ELSEWHERE
                    # The last holder may have published these between the read and the lease: read again.
                    continue
                self._publish_batch(events)
                result = _DrainResult.PUBLISHED
            return _DrainResult.OUT_OF_TIME
        finally:
            self._draining_thread = None

    def _publish_batch(self, events: Sequence[Event]) -> None:
        """Call the observers for each event, then take the events out of the outbox."""
        published: list[Event] = []
        end = time.monotonic() + MAX_BATCH_SECONDS
        for event in events:
            # Before each event, as an observer may take longer than the lease lasts. Then another process publishes
            # the whole batch again, and this one must not take events out of the outbox.
            if not self._lease.renew():
                return
            self._hooks.event_committed(event)
            published.append(event)
            # Looked at after an event, not before it, so that every batch makes progress.
            if time.monotonic() > min(end, self._deadline):
                break
        self._remove(published)

    def _remove(self, published: Sequence[Event]) -> None:
        """Take events out of the outbox and write a delivery for every subscribed webhook, in one transaction.

        Raises `TooContended`; then the events stay, and are published again.
        """
        deliveries = deliveries_for(published, self._store.list_webhooks(None), self._clock())
        for _ in attempts():
            changes = ChangeSet(
                deliveries=tuple(map(insertion, deliveries)),
                dispatched_event_ids=tuple(event.id for event in published),
            )
            if isinstance(self._store.apply([changes])[0], Applied):
                break
            # A process whose lease had run out wrote some of them after all. Ids of deliveries are derived from the
            # event and the webhook, so those can be found, and only the missing ones are written.
            deliveries = tuple(delivery for delivery in deliveries if self._store.find_delivery(delivery.id) is None)
        else:
            raise TooContended
        if deliveries:
            self._call_delivery_callbacks()

    def _call_delivery_callbacks(self) -> None:
        # A copy: another thread may register a callback, or close, meanwhile.
        for callback in tuple(self._delivery_callbacks.values()):
            callback()
