"""Posts deliveries that are due: from one process at a time, in order for each contact, many at once."""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, NamedTuple

from hullo.background.lease import Lease
from hullo.background.worker import FAILURE_RETRY_DELAY, BackgroundWorker
from hullo.errors import describe_error
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.instant import SECOND
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.secrets.webhook_secrets import map_webhook_secrets
from hullo.webhooks.schedule import after_attempt
from hullo.webhooks.sender import Attempt, Sender
from hullo.webhooks.signing import signature_headers

if TYPE_CHECKING:
    from hullo.application import Hullo

_log = logging.getLogger("hullo.webhooks")

LEASE_NAME: Final = "webhooks"
MAX_CONCURRENT: Final = 24
"""Requests at the same time."""
MAX_CONCURRENT_PER_WEBHOOK: Final = 4
"""Requests to one webhook at the same time."""
RESERVED: Final = 8
"""Requests of `MAX_CONCURRENT` that a workspace with `SHARE` of them under way leaves to others."""
SHARE: Final = 4
MAX_SLOW: Final = 4
"""Requests at the same time to webhooks that were slow the last time: one a workspace, and so many in all."""
SLOW_SECONDS: Final = 3.0
"""An attempt that lasts so long is slow. One that is not answered lasts `sender.TIMEOUT`."""
BATCH_SIZE: Final = 50
"""Due deliveries that one run reads."""
BUSY_INTERVAL: Final = 0.25
"""Seconds between runs while requests are under way."""
IDLE_INTERVAL: Final = 1.0
"""Seconds between runs otherwise. Such a run finds deliveries that another process wrote."""

_DELETED: Final = Attempt(status=None, reason="the webhook was deleted", is_retryable=False)
_FAILED: Final = Attempt(status=None, reason="it could not be sent; the log of hullo says more")


class _Request(NamedTuple):
    """A request under way."""

    webhook: Webhook
    future: Future[None]


class Slots:
    """Places for requests, shared so that neither a slow receiver nor a busy workspace keeps the others waiting."""

    def __init__(self, slow: Collection[WebhookId], busy: Iterable[Webhook]) -> None:
        self._slow = slow
        self._by_webhook = Counter[WebhookId]()
        self._by_workspace = Counter[str]()
        self._slow_workspaces: set[str] = set()
        self._slow_count = 0
        for webhook in busy:
            self.take(webhook)

    @property
    def are_taken(self) -> bool:
        """Return whether there is no place for any webhook."""
        return self._by_workspace.total() >= MAX_CONCURRENT

    @property
    def workspaces(self) -> Collection[str]:
        """Return the workspaces that have requests under way."""
        return self._by_workspace.keys()

    def has_place(self, webhook: Webhook) -> bool:
        """Return whether one more request to this webhook may begin."""
        if self.are_taken or self._by_webhook[webhook.id] >= MAX_CONCURRENT_PER_WEBHOOK:
            return False
        # A receiver that does not answer holds its place for seconds, however many webhooks lead to it.
        if webhook.id in self._slow:
            return self._slow_count < MAX_SLOW and webhook.workspace_id not in self._slow_workspaces
        # The last places are for workspaces that have few.
        return (
            self._by_workspace[webhook.workspace_id] < SHARE or self._by_workspace.total() < MAX_CONCURRENT - RESERVED
        )

    def take(self, webhook: Webhook) -> None:
        """Count one more request to this webhook."""
        self._by_webhook[webhook.id] += 1
        self._by_workspace[webhook.workspace_id] += 1
        if webhook.id in self._slow:
            self._slow_count += 1
            self._slow_workspaces.add(webhook.workspace_id)


class DeliveryWorker:
    """Post every due delivery at least once, with retries. Starts at once, and ends with `close`.

    A process that is killed between a response and its record posts again; a receiver knows repeats by `webhook-id`.
    """

    def __init__(self, hullo: Hullo, sender: Sender, *, random_fraction: Callable[[], float] = random.random) -> None:
        self.hullo = hullo
        self.sender = sender
        self._random_fraction = random_fraction
        # A random holder and no process id: containers often share the number 1.
        self._lease = Lease(hullo.store, LEASE_NAME, secrets.token_hex(16), hullo.clock)
        self._worker = BackgroundWorker(LEASE_NAME, self._run_once)
        # One run at a time: `drain` and the worker's thread would submit a delivery twice.
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_CONCURRENT, "hullo webhook")
        # A delivery stays in here until a run that reads the store after its attempt was recorded: a run that had read
        # before would still find it due, and post it again.
        self._in_flight: dict[DeliveryId, _Request] = {}
        # The webhooks whose last attempt was slow. Only of this process: another one finds out for itself.
        self._slow: set[WebhookId] = set()
        self._closing = threading.Event()
        self._worker.start()

    def wake(self) -> None:
        """Say that deliveries may be due. Returns at once."""
        self._worker.wake()

    def drain(self) -> None:
        """Post until nothing is due; return at once when another process has the lease. Raises `StoreUnavailable`."""
        # The pause tells what the run found: a busy one has submitted requests, or waits for some.
        while self._run_once() == BUSY_INTERVAL:
            with self._lock:
                in_flight = [request.future for request in self._in_flight.values()]
            # Waited for without the lock, which the next run needs.
            wait(in_flight)

    def close(self) -> None:
        """Wait for the requests under way, at most as long as one attempt lasts. The rest waits for the next start."""
        # First: it ends the pause of an attempt whose result could not be stored.
        self._closing.set()
        self._worker.stop(FAILURE_RETRY_DELAY)
        # Requests that have not begun are cancelled: they stay pending in the store, and lose nothing.
        self._pool.shutdown(cancel_futures=True)
        # Last: until then another process would post what is under way here.
        self._lease.release()

    def attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """Post a delivery once, now and in this thread. Writes nothing."""
        hullo = self.hullo
        now = hullo.clock()
        # Opened for one attempt only, so that plain secrets do not stay in memory.
        plain = map_webhook_secrets(webhook, hullo.executor.vault.open)
        # Every active secret signs: a receiver changes its own at any time of the overlap.
        signing = [secret.secret for secret in plain.secrets if secret.is_active(now)]
        headers = signature_headers(delivery.event_id, now, delivery.body, signing)
        return self.sender.post(webhook.url, headers, delivery.body)

    def _run_once(self) -> float:
        """Submit what is due. Returns the seconds until the next run."""
        with self._lock:
            store, now = self.hullo.store, self.hullo.clock()
            # Before the store is read, not after: see `_in_flight`.
            self._in_flight = {
                delivery_id: request for delivery_id, request in self._in_flight.items() if not request.future.done()
            }
            due_at = store.next_delivery_at()
            # An idle process gives the lease up, so that another one need not wait for its end.
            if not self._in_flight and (due_at is None or due_at > now):
                self._lease.release()
                return IDLE_INTERVAL if due_at is None else min(IDLE_INTERVAL, (due_at - now) / SECOND)
            # Renewed on each run: a long queue must not outlive the lease.
            if not self._lease.renew():
                return IDLE_INTERVAL
            self._submit_due()
            return BUSY_INTERVAL

    def _submit_due(self) -> None:
        # Again after each batch that filled a place: its deliveries may all have been of one workspace, and those of
        # others stand behind them.
        while self._submit_batch():
            pass

    def _submit_batch(self) -> bool:
        """Submit deliveries of one batch. Returns whether any was, so that another batch may bring more."""
        slots = Slots(self._slow, [request.webhook for request in self._in_flight.values()])
        if slots.are_taken:
            return False
        webhooks: dict[WebhookId, Webhook | None] = {}
        unwanted: list[Delivery] = []
        submitted = False
        # Webhooks without a free place are left out by the store: else their backlog would fill the whole batch.
        full = [
            webhook.id
            for workspace_id in slots.workspaces
            for webhook in self.hullo.store.list_webhooks(workspace_id)
            if not slots.has_place(webhook)
        ]
        for delivery in self.hullo.store.list_due_deliveries(self.hullo.clock(), BATCH_SIZE, full):
            webhook_id = delivery.webhook_id
            # The store knows nothing of requests under way: such a delivery is still due there.
            if delivery.id in self._in_flight:
                continue
            # Read once a batch: a webhook may have hundreds of deliveries due.
            if webhook_id not in webhooks:
                webhooks[webhook_id] = self.hullo.store.find_webhook(webhook_id)
            webhook = webhooks[webhook_id]
            # Recorded as failed, or it would stay pending and be read again on every run.
            if webhook is None or webhook.deleted_at is not None:
                unwanted.append(delivery)
                continue
            # Asked again although the store left out full webhooks: this loop fills them too.
            if not slots.has_place(webhook):
                continue
            slots.take(webhook)
            self._submit(webhook, delivery)
            submitted = True
        if unwanted:
            self._record(unwanted, _DELETED)
        return submitted

    def _submit(self, webhook: Webhook, delivery: Delivery) -> None:
        future = self._pool.submit(self._attempt_and_record, webhook, delivery)
        self._in_flight[delivery.id] = _Request(webhook, future)
        # A free place may be all that the next delivery waits for.
        future.add_done_callback(lambda _: self._worker.wake())

    def _attempt_and_record(self, webhook: Webhook, delivery: Delivery) -> None:
        """Post a delivery and store the result. Never raises, as a future would keep the error to itself."""
        began = time.monotonic()
        try:
            attempt = self.attempt(webhook, delivery)
        except Exception as failed:
            _log.error("delivery %s failed here: %s", delivery.id, describe_error(failed))
            # A fault of ours counts as an attempt: else a message that cannot be sent would be tried without end.
            attempt = _FAILED
        # Before the place is free: the next delivery of this webhook is judged by it.
        if time.monotonic() - began >= SLOW_SECONDS:
            self._slow.add(webhook.id)
        else:
            self._slow.discard(webhook.id)
        try:
            self._record([delivery], attempt)
        except Exception as failed:
            _log.error(
                "what came of delivery %s is not kept, and it is posted again: %s", delivery.id, describe_error(failed)
            )
            self._closing.wait(FAILURE_RETRY_DELAY)  # else the receiver would get it again and again without a pause

    def _record(self, deliveries: Collection[Delivery], attempt: Attempt) -> None:
        """Store the result of an attempt. A delivery that a replay has changed meanwhile stays as it is then."""
        now = self.hullo.clock()
        changes = (
            replacement(delivery, after_attempt(delivery, attempt, now, self._random_fraction()))
            for delivery in deliveries
        )
        # A change set each, so that a conflict over one delivery leaves the others. Conflicts are ignored: see above.
        self.hullo.store.apply([ChangeSet(deliveries=(change,)) for change in changes])
        if attempt.reason is not None:
            for delivery in deliveries:
                _log.info(
                    "delivery %s to webhook %s was not taken: %s", delivery.id, delivery.webhook_id, attempt.reason
                )
