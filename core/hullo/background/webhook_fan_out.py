"""Which webhooks an event is delivered to, and the message that is sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from hullo.model.event import Event
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId

_WEBHOOK_DIGEST_LENGTH: Final = 12
"""Hexadecimal digits: 48 bits tell the few webhooks of a workspace apart."""


def deliveries_for(events: Iterable[Event], webhooks: Sequence[Webhook], now: Instant) -> tuple[Delivery, ...]:
    """Make one delivery for every event and every webhook that is subscribed to it."""
    return tuple(
        _new_delivery(event, webhook, now)
        for event in events
        for webhook in webhooks
        if webhook.is_subscribed_to(event)
    )


def delivery_id(webhook_id: WebhookId, event_id: str) -> DeliveryId:
    """Derive the id of a delivery: always the same for one webhook and event, and sorted as events are."""
    # Derived, not random: a process that writes the same deliveries again meets its own rows instead of doubling them.
    return f"dlv_{event_id.removeprefix('evt_')}{sha256(webhook_id.encode()).hexdigest()[:_WEBHOOK_DIGEST_LENGTH]}"


def message_text(name: str, at: Instant, data: Mapping[str, object]) -> str:
    """Write the body of a message, in the form of Standard Webhooks."""
    return msgspec.json.encode({"type": name, "timestamp": format_rfc3339(at), "data": data}).decode()


def _new_delivery(event: Event, webhook: Webhook, now: Instant) -> Delivery:
    return Delivery(
        id=delivery_id(webhook.id, event.id),
        webhook_id=webhook.id,
        workspace_id=event.workspace_id,
        event_id=event.id,
        event_name=event.name,
        contact_id=event.contact_id,
        body=message_text(event.name, event.at, _event_payload(event)),
        created_at=now,
        next_at=now,
    )


def _event_payload(event: Event) -> dict[str, object]:
    """Give ids and names of fields, and no personal value (P4). A receiver reads values from the API, with its key."""
    # P4: a message stays in the logs of other machines, and in ours, where an erasure does not reach it.
    return {
        "workspace_id": event.workspace_id,
        "app_id": event.app_id,
        "contact_id": event.contact_id,
        **event.data,
    }
