"""What webhooks sign with, sealed and opened as other secrets are (`vault.py`)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.webhook import Webhook
from hullo.secrets.vault import SecretTransform


def map_webhook_secrets(webhook: Webhook, transform: SecretTransform) -> Webhook:
    """The webhook with what that makes of its secrets. The time at which one was made is its id."""
    secrets = (
        replace(each, secret=transform(webhook.id, f"secret of {each.created_at}", each.secret))
        for each in webhook.secrets
    )
    return replace(webhook, secrets=tuple(secrets))
