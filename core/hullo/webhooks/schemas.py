"""Webhooks and deliveries as JSON, for the API and for `--json`."""

from __future__ import annotations

from hullo.model.instant import Instant, format_rfc3339
from hullo.model.webhook import Delivery, Webhook
from hullo.webhooks.admin import NewSecret

Json = dict[str, object]


def webhook_json(webhook: Webhook) -> Json:
    """Show a webhook without its secrets."""
    return {
        "id": webhook.id,
        "workspace_id": webhook.workspace_id,
        "app_id": webhook.app_id,
        "url": webhook.url,
        "events": list(webhook.events),
        "created_at": format_rfc3339(webhook.created_at),
        "secrets": [
            {"created_at": format_rfc3339(secret.created_at), "expires_at": _time_or_none(secret.expires_at)}
            for secret in webhook.secrets
        ],
    }


def new_secret_json(new: NewSecret) -> Json:
    """Show a webhook with its newest secret, the only time it is shown."""
    return {**webhook_json(new.webhook), "secret": new.secret}


def delivery_json(delivery: Delivery) -> Json:
    """Show a delivery and the result of its last attempt."""
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_id": delivery.event_id,
        "type": delivery.event_name,
        "contact_id": delivery.contact_id,
        "body": delivery.body,
        "created_at": format_rfc3339(delivery.created_at),
        "state": delivery.state,
        "tries": delivery.tries,
        "next_at": format_rfc3339(delivery.next_at) if delivery.state == "pending" else None,
        "last_at": _time_or_none(delivery.last_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    }


def _time_or_none(instant: Instant | None) -> str | None:
    return None if instant is None else format_rfc3339(instant)
