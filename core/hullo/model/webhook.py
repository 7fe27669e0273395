"""Webhooks, and the deliveries of events to them (Standard Webhooks)."""

from __future__ import annotations

from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.event import Event
from hullo.model.instant import Instant
from hullo.value import Value

WebhookId = str
DeliveryId = str
DeliveryState = Literal["pending", "delivered", "failed"]
"""`failed`: given up after the last attempt. A replay makes it pending again."""


class WebhookSecret(Value, secrets=("secret",)):
    """Secret that signs deliveries. After a rotation the older ones sign too, until they expire."""

    secret: str
    """`whsec_` and base64. Sealed if there is a master key, until it is opened."""
    created_at: Instant
    expires_at: Instant | None = None

    def is_active(self, now: Instant) -> bool:
        """Return whether deliveries are signed with it."""
        return self.expires_at is None or now < self.expires_at


class Webhook(Value):
    """Endpoint that receives events. `events` empty: all of them."""

    id: WebhookId
    workspace_id: str
    url: str
    created_at: Instant
    app_id: str | None = None
    """None: events of every app, and those without one."""
    events: tuple[str, ...] = ()
    secrets: tuple[WebhookSecret, ...] = ()
    """Newest first."""
    deleted_at: Instant | None = None
    """A deleted webhook gets no events; its log stays until its retention ends."""
    version: int = 0

    def is_subscribed_to(self, event: Event) -> bool:
        """Match an event against workspace, app and event names."""
        return (
            self.deleted_at is None
            and event.workspace_id == self.workspace_id
            # A webhook of one app gets no events without an app: they may be about other sites' people.
            and self.app_id in {None, event.app_id}
            and (not self.events or event.name in self.events)
        )


class Delivery(Value):
    """One event on its way to one webhook, and the log of it.

    The id is derived from the webhook's and the event's: creating it twice creates it once, and ids sort like events.
    Deliveries for one webhook and contact are sequential: each waits until the one before is delivered or given up
    (R4).
    """

    id: DeliveryId
    webhook_id: WebhookId
    workspace_id: str
    event_id: str
    event_name: str
    contact_id: ContactId | None
    # Standard Webhooks signs the exact bytes, so the text is kept and not made anew.
    body: str
    """JSON text to send: the same at every attempt."""
    created_at: Instant
    state: DeliveryState = "pending"
    tries: int = 0
    next_at: Instant = 0
    """Time of the next attempt, while it is pending."""
    last_status: int | None = None
    """HTTP status of the last attempt; None without a response."""
    last_error: str | None = None
    """Why the last attempt failed, without personal values."""
    last_at: Instant | None = None
    version: int = 0
