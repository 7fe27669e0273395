"""Signs who a visitor is, on your site's server: a hash, or a token. README.md says which, and when."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_LIFE = 24 * 60 * 60

USAGE = """\
usage: python signing.py hash VALUE
       python signing.py token APP_KEY EXTERNAL_ID [EMAIL] [NAME]"""


def user_hash(key: str, value: str) -> str:
    """The hash that vouches for one value: the external id or, when no external id is sent, the email as it is sent.

    The key's text is the key, as it is: nothing of it is decoded, from hexadecimal or otherwise.
    """
    return hmac.digest(key.encode(), value.encode(), "sha256").hex()


def signed_token(key: str, key_id: str | None, app_key: str, claims: Mapping[str, Any], ttl: int = 300) -> str:
    """The token (a JWT, HS256) that vouches for all of its claims, once, for as many seconds as `ttl` says.

    The claims: sub, which is the external id, email, name, phone, company, avatar_url, custom_data.
    """
    if not 1 <= ttl <= LONGEST_LIFE:
        raise ValueError(f"a token lives for 1 to {LONGEST_LIFE} seconds, not for {ttl}")
    header = {"alg": "HS256", "typ": "JWT"}
    if key_id:
        header["kid"] = key_id
    now = int(time.time())
    payload = {**claims, "iat": now, "exp": now + ttl, "aud": app_key, "jti": secrets.token_hex(16)}
    signed = f"{base64url(to_json(header))}.{base64url(to_json(payload))}"
    signature = hmac.digest(key.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64url(signature)}"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def to_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def identity_key() -> str:
    """The app's identity key, which only the server knows."""
    key = os.environ.get("HULLO_IDENTITY_KEY")
    if not key:
        raise LookupError("HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)")
    return key


def main(arguments: Sequence[str]) -> int:
    """For trying it."""
    try:
        match arguments:
            case ["hash", value]:
                print(user_hash(identity_key(), value))
            case ["token", app_key, external_id, *others] if len(others) <= 2:
                named = dict(zip(("sub", "email", "name"), (external_id, *others), strict=False))
                claims = {name: value for name, value in named.items() if value}
                print(signed_token(identity_key(), os.environ.get("HULLO_IDENTITY_KEY_ID"), app_key, claims))
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except (LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
