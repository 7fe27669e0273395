"""See `Outbox` and `WebhookReads`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from hullo.model.event import Event
from hullo.model.instant import Instant
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.store.protocol import Page, PageRequest
from hullo_stores.clock_skew import max_plausible_lease
from hullo_stores.memory.reads.queries import MemoryQueries, newest_first, page_where
from hullo_stores.memory.tables import Lease, Tables


class MemoryOutboxQueries(MemoryQueries):
    """Reads of the outbox, leases, webhooks and deliveries."""

    def list_outbox(self, limit: int) -> Sequence[Event]:
        """Return events that wait for dispatch, oldest first."""
        with self._locked() as tables:
            return tuple(sorted(tables.outbox.values(), key=lambda event: event.id)[:limit])

    def acquire_lease(self, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """Take or renew a lease; return whether `holder` has it. See `Outbox.acquire_lease`."""
        with self._locked() as tables:
            held = tables.leases.get(name)
            if held is not None and held.holder != holder and now < held.until <= max_plausible_lease(now, until):
                return False
            tables.leases[name] = Lease(holder=holder, until=until)
            return True

    def release_lease(self, name: str, holder: str) -> None:
        """Release the lease if `holder` has it. A lease of another holder stays."""
        with self._locked() as tables:
            held = tables.leases.get(name)
            if held is not None and held.holder == holder:
                del tables.leases[name]

    def list_webhooks(self, workspace_id: str | None) -> Sequence[Webhook]:
        """Return the webhooks of a workspace, or of all for None; newest first, without deleted ones."""
        with self._locked() as tables:
            return newest_first(
                held
                for held in tables.webhooks.values()
                if held.deleted_at is None and workspace_id in {None, held.workspace_id}
            )

    def find_webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return the webhook, a deleted one too. None if there is none."""
        with self._locked() as tables:
            return tables.webhooks.get(webhook_id)

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]:
        """Return a page of the webhook's deliveries, newest first."""
        with self._locked() as tables:
            return page_where(
                "deliveries", page, tables.deliveries.values(), lambda held: held.webhook_id == webhook_id
            )

    def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return the delivery. None if there is none."""
        with self._locked() as tables:
            return tables.deliveries.get(delivery_id)

    def list_due_deliveries(self, now: Instant, limit: int, without: Collection[WebhookId] = ()) -> Sequence[Delivery]:
        """Return pending deliveries that are due, the longest due first. See `WebhookReads`."""
        with self._locked() as tables:
            due = (
                held for held in _first_per_contact(tables) if held.next_at <= now and held.webhook_id not in without
            )
            return tuple(sorted(due, key=lambda held: (held.next_at, held.id))[:limit])

    def next_delivery_at(self) -> Instant | None:
        """Return when the next delivery is due that waits for no earlier one. None if none is pending."""
        with self._locked() as tables:
            return min((held.next_at for held in _first_per_contact(tables)), default=None)


def _first_per_contact(tables: Tables) -> Iterator[Delivery]:
    """Yield pending deliveries: the first for each webhook and contact, and all that have no contact."""
    begun: set[tuple[WebhookId, str]] = set()
    for held in sorted(tables.deliveries.values(), key=lambda held: held.id):
        if held.state != "pending":
            continue
        if held.contact_id is not None:
            turn = held.webhook_id, held.contact_id
            if turn in begun:
                continue
            begun.add(turn)
        yield held
