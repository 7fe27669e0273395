"""Rows of the outbox, webhooks and deliveries. See the package."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hullo.model.event import Event
from hullo.model.webhook import Delivery, Webhook, WebhookSecret
from hullo_stores.peewee.rows.encoding import Row, json_text, texts_of

_event_of = msgspec.json.Decoder(Event).decode
_secrets_of = msgspec.json.Decoder(tuple[WebhookSecret, ...]).decode


def event_row(event: Event) -> Row:
    """Return the row without the event's values, which only timelines keep."""
    return (event.id, json_text(replace(event, changes=()) if event.changes else event))


def event_of(row: Row) -> Event:
    (text,) = row
    return _event_of(text)


def webhook_row(webhook: Webhook) -> Row:
    return (
        webhook.id,
        webhook.workspace_id,
        webhook.url,
        webhook.created_at,
        webhook.app_id,
        json_text(webhook.events),
        json_text(webhook.secrets),
        webhook.deleted_at,
        webhook.version,
    )


def webhook_of(row: Row) -> Webhook:
    id_, workspace_id, url, created_at, app_id, events, secrets, deleted_at, version = row
    return Webhook(
        id=id_,
        workspace_id=workspace_id,
        url=url,
        created_at=created_at,
        app_id=app_id,
        events=texts_of(events),
        secrets=_secrets_of(secrets),
        deleted_at=deleted_at,
        version=version,
    )


def delivery_row(delivery: Delivery) -> Row:
    pending = delivery.state == "pending"
    tried_at = delivery.created_at if delivery.last_at is None else delivery.last_at
    turn = f"{delivery.webhook_id}|{delivery.contact_id}" if pending and delivery.contact_id is not None else None
    return (
        delivery.id,
        delivery.webhook_id,
        delivery.workspace_id,
        delivery.event_id,
        delivery.event_name,
        delivery.contact_id,
        delivery.body,
        delivery.created_at,
        delivery.state,
        delivery.tries,
        delivery.next_at,
        delivery.last_status,
        delivery.last_error,
        delivery.last_at,
        None if pending else tried_at,
        turn,
        delivery.version,
    )


def delivery_of(row: Row) -> Delivery:
    id_, webhook_id, workspace_id, event_id, event_name, contact_id, body, created_at = row[:8]
    state, tries, next_at, last_status, last_error, last_at, _, _, version = row[8:]
    return Delivery(
        id=id_,
        webhook_id=webhook_id,
        workspace_id=workspace_id,
        event_id=event_id,
        event_name=event_name,
        contact_id=contact_id,
        body=body,
        created_at=created_at,
        state=state,
        tries=tries,
        next_at=next_at,
        last_status=last_status,
        last_error=last_error,
        last_at=last_at,
        version=version,
    )
