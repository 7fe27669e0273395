"""Who is told, and of what."""

from __future__ import annotations

from hullo.model.instant import DAY, Instant
from hullo.model.webhook import Delivery, Webhook, WebhookSecret
from hullo.testing.builders.constants import APP, NOW, WORKSPACE


def a_webhook(id: str = "whk_1", *, workspace_id: str = WORKSPACE, app_id: str | None = APP) -> Webhook:
    """An endpoint that wants two kinds of events, with a secret and the one before it."""
    return Webhook(
        id=id,
        workspace_id=workspace_id,
        url="https://shop.example/hooks/hullo?from=hullo",
        created_at=NOW,
        app_id=app_id,
        events=("contact.created", "contact.updated"),
        secrets=(
            WebhookSecret(secret=f"whsec_{id}", created_at=NOW),
            # In the middle of a rotation: both secrets sign.
            WebhookSecret(secret=f"whsec_old_{id}", created_at=NOW - DAY, expires_at=NOW + DAY),
        ),
    )


def a_delivery(
    id: str = "dlv_1",
    *,
    webhook_id: str = "whk_1",
    workspace_id: str = WORKSPACE,
    contact_id: str | None = "con_1",
    next_at: Instant = NOW,
) -> Delivery:
    """One that waits for its first try."""
    return Delivery(
        id=id,
        webhook_id=webhook_id,
        workspace_id=workspace_id,
        event_id=f"evt_of_{id}",
        event_name="contact.updated",
        contact_id=contact_id,
        # Names of fields and no values, as real ones have (P4).
        body='{"type":"contact.updated","data":{"fields":["name"]}}',
        created_at=NOW,
        next_at=next_at,
    )
