"""Posts what is due: from one process at a time, in order for each contact, and nobody waits for who is slow."""

from __future__ import annotations

import logging
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

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
MAX_CONCURRENT: Final = 16
"""Requests at the same time."""
MAX_CONCURRENT_PER_WEBHOOK: Final = 4
"""Of them to one webhook, whose other deliveries wait."""
BATCH_SIZE: Final = 50
"""How many due deliveries are looked at in a round."""
BUSY_INTERVAL: Final = 0.25
"""Seconds between looks while something is under way."""
IDLE_INTERVAL: Final = 1.0
"""Seconds between looks otherwise."""

_DELETED: Final = Attempt(status=None, reason="the webhook was deleted", is_retryable=False)
_FAILED: Final = Attempt(status=None, reason="it could not be sent; the log of hullo says more")


class DeliveryWorker:
    """Whatever is due is posted at least once: a process that is killed between an answer and its record posts again.

    A delivery stays in `_flying` until a look at the store that began after its attempt was recorded: else it would be
    posted again by a look from before.
    """

    def __init__(self, hullo: Hullo, sender: Sender, *, random_fraction: Callable[[], float] = random.random) -> None:
        self.hullo = hullo
        self.sender = sender
        self._random_fraction = random_fraction
        self._lease = Lease(hullo.store, LEASE_NAME, secrets.token_hex(16), hullo.clock)
        self._worker = BackgroundWorker(LEASE_NAME, self._run_once)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(MAX_CONCURRENT, "hullo webhook")
        self._in_flight: dict[DeliveryId, tuple[WebhookId, Future[None]]] = {}
        self._closing = threading.Event()
        self._worker.start()

    def wake(self) -> None:
        """Something is due, or may be. Returns at once."""
        self._worker.wake()

    def drain(self) -> None:
        """Returns when nothing is due any more; at once where another process is at it. Raises `StoreUnavailable`."""
        while self._run_once() == BUSY_INTERVAL:
            with self._lock:
                flying = [future for _, future in self._in_flight.values()]
            wait(flying)

    def close(self) -> None:
        """Waits for what is under way, which takes no longer than one try does. The rest is for the next start."""
        self._closing.set()
        self._worker.stop(FAILURE_RETRY_DELAY)
        self._pool.shutdown(cancel_futures=True)
        self._lease.release()

    def attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """One try, now and in this thread; nothing is written."""
        hullo = self.hullo
        now = hullo.clock()
        plain = map_webhook_secrets(webhook, hullo.executor.vault.open)
        signing = [each.secret for each in plain.secrets if each.is_active(now)]
        headers = signature_headers(delivery.event_id, now, delivery.body, signing)
        return self.sender.post(webhook.url, headers, delivery.body)

    def _run_once(self) -> float:
        """Seconds until the next look."""
        with self._lock:
            store, now = self.hullo.store, self.hullo.clock()
            self._in_flight = {id_: each for id_, each in self._in_flight.items() if not each[1].done()}
            due_at = store.next_delivery_at()
            if not self._in_flight and (due_at is None or due_at > now):
                self._lease.release()
                return IDLE_INTERVAL if due_at is None else min(IDLE_INTERVAL, (due_at - now) / SECOND)
            if not self._lease.renew():
                return IDLE_INTERVAL
            self._submit_due()
            return BUSY_INTERVAL

    def _submit_due(self) -> None:
        busy = Counter(webhook_id for webhook_id, _ in self._in_flight.values())
        full = [webhook_id for webhook_id, requests in busy.items() if requests >= MAX_CONCURRENT_PER_WEBHOOK]
        webhooks: dict[WebhookId, Webhook | None] = {}
        unwanted: list[Delivery] = []
        for delivery in self.hullo.store.list_due_deliveries(self.hullo.clock(), BATCH_SIZE, full):
            webhook_id = delivery.webhook_id
            if (
                delivery.id in self._in_flight
                or busy[webhook_id] >= MAX_CONCURRENT_PER_WEBHOOK
                or len(self._in_flight) >= MAX_CONCURRENT
            ):
                continue
            if webhook_id not in webhooks:
                webhooks[webhook_id] = self.hullo.store.find_webhook(webhook_id)
            webhook = webhooks[webhook_id]
            if webhook is None or webhook.deleted_at is not None:
                unwanted.append(delivery)
                continue
            busy[webhook_id] += 1
            under_way = self._pool.submit(self._attempt_and_record, webhook, delivery)
            self._in_flight[delivery.id] = webhook_id, under_way
            under_way.add_done_callback(lambda _: self._worker.wake())
        if unwanted:
            self._record(unwanted, _DELETED)

    def _attempt_and_record(self, webhook: Webhook, delivery: Delivery) -> None:
        try:
            attempt = self.attempt(webhook, delivery)
        except Exception as failed:
            _log.error("delivery %s failed here: %s", delivery.id, describe_error(failed))
            attempt = _FAILED
        try:
            self._record([delivery], attempt)
        except Exception as failed:
            _log.error(
                "what came of delivery %s is not kept, and it is posted again: %s", delivery.id, describe_error(failed)
            )
            self._closing.wait(FAILURE_RETRY_DELAY)  # or the other side would be told without a pause

    def _record(self, deliveries: Collection[Delivery], attempt: Attempt) -> None:
        """A delivery that was changed meanwhile, by a replay, is left as it is then."""
        now = self.hullo.clock()
        after = (replacement(each, after_attempt(each, attempt, now, self._random_fraction())) for each in deliveries)
        self.hullo.store.apply([ChangeSet(deliveries=(change,)) for change in after])
        if attempt.reason is not None:
            for each in deliveries:
                _log.info("delivery %s to webhook %s was not taken: %s", each.id, each.webhook_id, attempt.reason)
