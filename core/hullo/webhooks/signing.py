"""Signatures, as Standard Webhooks 1.0 has them, and the secrets that they are made with."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from hullo.model.instant import SECOND, Instant
from hullo.model.request_context import RequestContext

SECRET_PREFIX: Final = "whsec"


def new_secret(context: RequestContext) -> str:
    """`whsec_` and 48 bytes in base64, 256 bits of them random: the hexadecimal digits of a secret are base64, too."""
    return context.new_secret(SECRET_PREFIX)


def signature_headers(message_id: str, at: Instant, body: str, secrets: Iterable[str]) -> Mapping[str, str]:
    """What tells the receiver that the body is ours, and when it was sent. Every secret signs, so that receivers may
    know any of them while they rotate."""
    seconds = str(at // SECOND)
    said = f"{message_id}.{seconds}.{body}".encode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, said) for secret in secrets),
    }


def _signature(secret: str, message: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(f"{SECRET_PREFIX}_"))
    return f"v1,{base64.b64encode(hmac.digest(key, message, 'sha256')).decode()}"
