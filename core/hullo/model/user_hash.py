"""The HMAC that a site's server signs with, and its verification (V1, V4)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from hullo.model.app import IdentityKey
from hullo.model.instant import Instant


def user_hash(identity_key: str, signed: str) -> str:
    """Compute the lower-case hexadecimal HMAC-SHA256 of `signed`, both as UTF-8.

    The text of the key is the key: decoding it from hexadecimal first is the common mistake, and gives another hash.
    `signed` is the external id if there is one, else the email exactly as sent.
    """
    return hmac.digest(identity_key.encode(), signed.encode(), "sha256").hex()


def matching_key_id(keys: Iterable[IdentityKey], now: Instant, signed: str, sent: str) -> str | None:
    """Find the active key under which `sent` is the hash of `signed`; None: the hash is wrong.

    A public key cannot hash, and is skipped.
    """
    # `compare_digest` refuses text that is not ASCII, and the caller may send any: bytes always work.
    given = sent.encode("utf-8", "surrogatepass")
    fitting: str | None = None
    # No early exit: the time must not reveal which key fits. For the same reason, no `==` on hashes.
    for key in keys:
        if key.can_sign(now) and hmac.compare_digest(user_hash(key.secret, signed).encode(), given):
            fitting = key.id
    return fitting
