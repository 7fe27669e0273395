"""Sealing of webhook secrets (see `vault.py`)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.webhook import Webhook
from hullo.secrets.vault import SecretTransform


def map_webhook_secrets(webhook: Webhook, transform: SecretTransform) -> Webhook:
    """Apply a transform to the webhook's secrets. The creation time of a secret is its id."""
    # A secret has no id; its time is unique within the webhook and never changes.
    secrets = (
        replace(secret, secret=transform(webhook.id, f"secret of {secret.created_at}", secret.secret))
        for secret in webhook.secrets
    )
    return replace(webhook, secrets=tuple(secrets))
