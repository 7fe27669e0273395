"""Who is told of events over HTTP, and what became of each telling (Standard Webhooks)."""

from __future__ import annotations

from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.event import Event
from hullo.model.instant import Instant
from hullo.value import Value

WebhookId = str
DeliveryId = str
DeliveryState = Literal["pending", "delivered", "failed"]
"""`failed`: given up after the last try. A replay makes it pending again."""


class WebhookSecret(Value, secrets=("secret",)):
    """What deliveries are signed with. After a rotation the older ones sign too, until they expire."""

    secret: str
    """`whsec_` and base64. Sealed under the master key, if there is one, until it is opened."""
    created_at: Instant
    expires_at: Instant | None = None

    def is_active(self, now: Instant) -> bool:
        """Whether deliveries are signed with it."""
        return self.expires_at is None or now < self.expires_at


class Webhook(Value):
    """An endpoint that wants to be told. `events` empty: of all of them."""

    id: WebhookId
    workspace_id: str
    url: str
    created_at: Instant
    app_id: str | None = None
    """None: events of every app, and of none."""
    events: tuple[str, ...] = ()
    secrets: tuple[WebhookSecret, ...] = ()
    """The newest first."""
    deleted_at: Instant | None = None
    """A deleted one is told nothing any more; its log is kept as long as logs are."""
    version: int = 0

    def is_subscribed_to(self, event: Event) -> bool:
        """Whether it is to be told of this."""
        return (
            self.deleted_at is None
            and event.workspace_id == self.workspace_id
            and self.app_id in {None, event.app_id}
            and (not self.events or event.name in self.events)
        )


class Delivery(Value):
    """One event on its way to one webhook, and afterwards the log of it.

    Its id is derived from the webhook's and the event's, so that making it twice makes it once, and is in the order of
    events. Those of one webhook and contact go one after the other: each waits until the one before is delivered or
    given up (R4).
    """

    id: DeliveryId
    webhook_id: WebhookId
    workspace_id: str
    event_id: str
    event_name: str
    contact_id: ContactId | None
    body: str
    """What is sent, as JSON text: the same at every try."""
    created_at: Instant
    state: DeliveryState = "pending"
    tries: int = 0
    next_at: Instant = 0
    """When it is tried next, while it is pending."""
    last_status: int | None = None
    """The HTTP status of the last try; None where there was no answer."""
    last_error: str | None = None
    """Why the last try failed, in words that hold nothing personal."""
    last_at: Instant | None = None
    version: int = 0
