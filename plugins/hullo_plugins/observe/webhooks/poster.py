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

from hullo.model.change_set import ChangeSet, changed
from hullo.model.instant import SECOND
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.pipeline.outbox.lease import Lease
from hullo.pipeline.rounds import AFTER_A_FAILURE, Rounds, reason_of
from hullo.pipeline.secrets.webhook_secrets import with_webhook_secrets
from hullo_plugins.observe.webhooks.schedule import recorded
from hullo_plugins.observe.webhooks.sending import Attempt, Sender
from hullo_plugins.observe.webhooks.signing import signed_headers

if TYPE_CHECKING:
    from hullo.app import Hullo

_log = logging.getLogger("hullo.webhooks")

LEASE: Final = "webhooks"
TOGETHER: Final = 16
"""Requests at the same time."""
TO_ONE: Final = 4
"""Of them to one webhook, whose other deliveries wait."""
LISTED: Final = 50
"""How many due deliveries are looked at in a round."""
SOON: Final = 0.25
"""Seconds between looks while something is under way."""
IDLE: Final = 1.0
"""Seconds between looks otherwise."""

_DELETED: Final = Attempt(status=None, error="the webhook was deleted", again=False)
_FAILED: Final = Attempt(status=None, error="it could not be sent; the log of hullo says more")


class Poster:
    """Whatever is due is posted at least once: a process that is killed between an answer and its record posts again.

    A delivery stays in `_flying` until a look at the store that began after its attempt was recorded: else it would be
    posted again by a look from before.
    """

    def __init__(self, hullo: Hullo, sender: Sender, *, chance: Callable[[], float] = random.random) -> None:
        self.hullo = hullo
        self.sender = sender
        self._chance = chance
        self._lease = Lease(hullo.store, LEASE, secrets.token_hex(16), hullo.clock)
        self._rounds = Rounds(LEASE, self._go_round)
        self._going = threading.Lock()
        self._pool = ThreadPoolExecutor(TOGETHER, "hullo webhook")
        self._flying: dict[DeliveryId, tuple[WebhookId, Future[None]]] = {}
        self._closing = threading.Event()
        self._rounds.begin()

    def nudge(self) -> None:
        """Something is due, or may be. Returns at once."""
        self._rounds.nudge()

    def drain(self) -> None:
        """Returns when nothing is due any more; at once where another process is at it. Raises `StoreUnavailable`."""
        while self._go_round() == SOON:
            with self._going:
                flying = [future for _, future in self._flying.values()]
            wait(flying)

    def close(self) -> None:
        """Waits for what is under way, which takes no longer than one try does. The rest is for the next start."""
        self._closing.set()
        self._rounds.end(AFTER_A_FAILURE)
        self._pool.shutdown(cancel_futures=True)
        self._lease.give_up()

    def post(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """One try, now and in this thread; nothing is written."""
        hullo = self.hullo
        now = hullo.clock()
        plain = with_webhook_secrets(webhook, hullo.pipeline.vault.open)
        signing = [each.secret for each in plain.secrets if each.signs(now)]
        headers = signed_headers(delivery.event_id, now, delivery.body, signing)
        return self.sender.post(webhook.url, headers, delivery.body)

    def _go_round(self) -> float:
        """Seconds until the next look."""
        with self._going:
            store, now = self.hullo.store, self.hullo.clock()
            self._flying = {id_: each for id_, each in self._flying.items() if not each[1].done()}
            due_at = store.next_due()
            if not self._flying and (due_at is None or due_at > now):
                self._lease.give_up()
                return IDLE if due_at is None else min(IDLE, (due_at - now) / SECOND)
            if not self._lease.keep():
                return IDLE
            self._post_due()
            return SOON

    def _post_due(self) -> None:
        busy = Counter(webhook_id for webhook_id, _ in self._flying.values())
        full = [webhook_id for webhook_id, requests in busy.items() if requests >= TO_ONE]
        webhooks: dict[WebhookId, Webhook | None] = {}
        unwanted: list[Delivery] = []
        for delivery in self.hullo.store.list_due_deliveries(self.hullo.clock(), LISTED, full):
            webhook_id = delivery.webhook_id
            if delivery.id in self._flying or busy[webhook_id] >= TO_ONE or len(self._flying) >= TOGETHER:
                continue
            if webhook_id not in webhooks:
                webhooks[webhook_id] = self.hullo.store.find_webhook(webhook_id)
            webhook = webhooks[webhook_id]
            if webhook is None or webhook.deleted_at is not None:
                unwanted.append(delivery)
                continue
            busy[webhook_id] += 1
            under_way = self._pool.submit(self._deliver, webhook, delivery)
            self._flying[delivery.id] = webhook_id, under_way
            under_way.add_done_callback(lambda _: self._rounds.nudge())
        if unwanted:
            self._record(unwanted, _DELETED)

    def _deliver(self, webhook: Webhook, delivery: Delivery) -> None:
        try:
            attempt = self.post(webhook, delivery)
        except Exception as failed:
            _log.error("delivery %s failed here: %s", delivery.id, reason_of(failed))
            attempt = _FAILED
        try:
            self._record([delivery], attempt)
        except Exception as failed:
            _log.error(
                "what came of delivery %s is not kept, and it is posted again: %s", delivery.id, reason_of(failed)
            )
            self._closing.wait(AFTER_A_FAILURE)  # or the other side would be told without a pause

    def _record(self, deliveries: Collection[Delivery], attempt: Attempt) -> None:
        """A delivery that was changed meanwhile, by a replay, is left as it is then."""
        now = self.hullo.clock()
        after = (changed(each, recorded(each, attempt, now, self._chance())) for each in deliveries)
        self.hullo.store.apply([ChangeSet(deliveries=(change,)) for change in after])
        if attempt.error is not None:
            for each in deliveries:
                _log.info("delivery %s to webhook %s was not taken: %s", each.id, each.webhook_id, attempt.error)
