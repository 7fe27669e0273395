"""Signatures and secrets in the format of Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.request_context import RequestContext

SECRET_PREFIX: Final = "whsec"


def new_secret(context: RequestContext) -> str:
    """Make a secret: `whsec_` and 48 bytes in base64, 256 bits of them random. Hexadecimal digits are valid base64."""
    return context.new_secret(SECRET_PREFIX)


def signature_headers(message_id: str, at: Instant, body: str, secrets: Iterable[str]) -> Mapping[str, str]:
    """Sign a body and the time of sending. Every secret signs, so a receiver may know any of them during a rotation."""
    seconds = str(at // SECOND)
    # The time is signed too: a receiver refuses an old message, so a recorded one cannot be replayed for ever.
    signed = f"{message_id}.{seconds}.{body}".encode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, message: bytes) -> str:
    # Standard Webhooks: the prefix is not part of the key, and the rest is base64.
    key = base64.b64decode(secret.removeprefix(f"{SECRET_PREFIX}_"))
    return f"v1,{base64.b64encode(hmac.digest(key, message, 'sha256')).decode()}"
