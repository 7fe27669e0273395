"""A world whose events are posted, with its post office in the test's own hands."""

from __future__ import annotations

from typing import Any

from hullo.model.webhook import Delivery, Webhook
from hullo.settings import Settings
from hullo.store.protocol import PageRequest, Store
from hullo.webhooks.admin import NewSecret, WebhookAdmin
from hullo.webhooks.delivery_worker import DeliveryWorker
from hullo.webhooks.plugin import Webhooks
from webhooks.receiving import Receiver
from world import World


class Office(World):
    """Machines of this network may be posted to, as in development."""

    def __init__(self, store: Store, *, plugins: Any = (), **options: Any) -> None:
        self.plugin = Webhooks(timeout=2)
        super().__init__(
            store,
            plugins=[*plugins, self.plugin],
            without=["webhooks"],
            settings=options.pop("settings", Settings(development=True)),
            **options,
        )

    @property
    def poster(self) -> DeliveryWorker:
        assert self.plugin.worker is not None
        return self.plugin.worker

    @property
    def book(self) -> WebhookAdmin:
        return self.plugin.admin(by="agent:ada", workspace_id=self.app.workspace_id)

    def subscribe(self, receiver: Receiver, *events: str, app_id: str | None = None) -> NewSecret:
        return self.book.create(self.app.workspace_id, receiver.url, events, app_id)

    def deliver(self) -> None:
        """Everything that is due now has been tried, when this returns."""
        self.tell()
        self.poster.drain()

    def deliveries(self, webhook: Webhook) -> list[Delivery]:
        """The oldest first."""
        return [*reversed(self.book.list_deliveries(webhook.id, PageRequest(limit=200)).items)]
