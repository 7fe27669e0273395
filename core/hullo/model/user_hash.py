"""The formula by which a site's server signs (V1)."""

from __future__ import annotations

import hmac


def user_hash(identity_key: str, signed: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 of `signed`, both as UTF-8.

    The key's text is the key: decoding it from hexadecimal first is the common mistake, and gives another hash.
    `signed` is the external id if there is one, else the email exactly as it is sent.
    """
    return hmac.digest(identity_key.encode(), signed.encode(), "sha256").hex()
