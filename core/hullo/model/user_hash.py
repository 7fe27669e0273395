"""The formula by which a site's server signs, and how a hash is checked (V1, V4)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from hullo.model.app import IdentityKey
from hullo.model.instant import Instant


def user_hash(identity_key: str, signed: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 of `signed`, both as UTF-8.

    The key's text is the key: decoding it from hexadecimal first is the common mistake, and gives another hash.
    `signed` is the external id if there is one, else the email exactly as it is sent.
    """
    return hmac.digest(identity_key.encode(), signed.encode(), "sha256").hex()


def matching_key_id(keys: Iterable[IdentityKey], now: Instant, signed: str, sent: str) -> str | None:
    """The id of the active key under which `sent` is the hash of `signed`; None: it is wrong.

    Every active key is tried, also after one fits: how long it takes says nothing about which it was. A public key
    hashes nothing.
    """
    given = sent.encode("utf-8", "surrogatepass")
    fitting: str | None = None
    for key in keys:
        if key.can_sign(now) and hmac.compare_digest(user_hash(key.secret, signed).encode(), given):
            fitting = key.id
    return fitting
