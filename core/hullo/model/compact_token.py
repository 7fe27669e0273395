"""Signed tokens in compact form (RFC 7515) for any purpose: sign, parse, verify, validate.

PyJWT verifies signatures only. Times, audience and headers are checked here, by hullo's own clock.
"""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, cast

import jwt

from hullo.errors import ProofRejected
from hullo.model.app import App, IdentityKey
from hullo.model.instant import DAY, HOUR, MINUTE, SECOND, Instant
from hullo.model.strict_json import parse_object
from hullo.value import Value

HS256: Final = "HS256"
MAX_LIFETIME: Final = DAY
CLOCK_LEEWAY: Final = MINUTE
"""Tolerance for the clock of the signer."""

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# RFC 7519 makes `exp` and `aud` optional; V5 requires both, or a leaked token would be good for ever.
_OPTIONS: Final[Any] = {
    "require": ["exp", "aud"],
    # `validate_token_payload` checks these, by hullo's own clock and with a message for each.
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    # Pages and servers write numeric ids as numbers; the claim that is read from the payload takes both.
    "verify_sub": False,
    "verify_jti": False,
}


class ParsedToken(Value):
    """Parts of a token, unverified."""

    text: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Hash the signed part, without the signature: one signature can be encoded in several ways."""
        # An ES256 signature of the same text can also be changed into a second valid one.
        return sha256(self.text.rpartition(".")[0].encode()).hexdigest()


def sign_token(
    key: IdentityKey,
    audience: str,
    claims: Mapping[str, object],
    *,
    now: Instant,
    lifetime: Instant,
    secret: str | None = None,
    typ: str = "JWT",
) -> str:
    """Make an HS256 token over the claims, for the app `audience`, valid from `now` for `lifetime`.

    `secret` None signs with the key's own; `typ` goes into the header.
    """
    # Last, so that no claim of the caller replaces a time or the audience.
    payload = {**claims, "iat": now // SECOND, "exp": (now + lifetime) // SECOND, "aud": audience}
    headers = {"kid": key.id, "typ": typ}
    return jwt.encode(payload, secret if secret is not None else key.secret, algorithm=HS256, headers=headers)


def parse_token(text: str, max_length: int) -> ParsedToken:
    """Parse a token without verifying it. Raises `ProofRejected` for text that is not a signed token: too long,
    encrypted, nested, or with a header parameter that is not supported."""
    # Before any decoding: the text comes from a browser without proof.
    if len(text) > max_length:
        raise ProofRejected(f"the token is longer than {max_length} characters", mistake="token_too_long")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise ProofRejected("this is no signed token: three parts in base64url, with dots between", mistake="no_jwt")
    try:
        header, payload = (parse_object(_decode_base64url(part)) for part in parts.group(1, 2))
    except ValueError as error:
        nested = "; a token inside of a token is not read" if _seems_nested(parts.group(2)) else ""
        raise ProofRejected(f"the token's header and payload: each {error}{nested}", mistake="no_jwt") from error
    # RFC 7515 §4.1.11: a token with a critical parameter that is not understood must be refused.
    if unsupported := sorted(header.keys() & {"crit", "b64", "zip", "enc"}):
        name = unsupported[0]
        raise ProofRejected(f"the token's header has {name!r}, which is not understood here", mistake="no_jwt")
    # RFC 7519 §5.2: `cty` marks a nested token, and hullo reads one layer only.
    if "cty" in header:
        raise ProofRejected("a token inside of a token is not read", mistake="no_jwt")
    return ParsedToken(text=text, header=header, payload=payload)


def verify_signature(parsed: ParsedToken, verifier: Any, algorithm: str) -> bool:
    """Return whether this key signed the token with this algorithm. Raises `ProofRejected` without `exp` or `aud`."""
    # The caller names the algorithm, never the token: an RSA key must not be used as an HMAC secret (RFC 8725 §3.1).
    try:
        jwt.decode(parsed.text, verifier, algorithms=[algorithm], options=_OPTIONS)
    except jwt.MissingRequiredClaimError as missing:
        raise ProofRejected(f"the token has no {missing.claim}", mistake=f"no_{missing.claim}") from missing
    # Not an error yet: the next key of the app may fit (V4).
    except jwt.PyJWTError:
        return False
    return True


def validate_token_payload(
    payload: Mapping[str, Any],
    app: App,
    now: Instant,
    *,
    max_lifetime: Instant = MAX_LIFETIME,
    leeway: Instant = CLOCK_LEEWAY,
) -> Instant:
    """Validate audience and times; return when the token expires. It is accepted until `leeway` after that.

    Raises `ProofRejected` for a token that is not valid now, not for this app, or that lives longer than
    `max_lifetime`: counted from `now` where it has no `iat`.
    """
    # RFC 7519 §4.1.3: `aud` is one text or a list of them.
    audience: Any = payload["aud"]
    if app.app_key not in (cast("list[object]", audience) if isinstance(audience, list) else [audience]):
        raise ProofRejected("the token is for another audience: its aud must be the app key", mistake="audience")
    expires_at = _numeric_date(payload, "exp")
    issued_at = _numeric_date(payload, "iat") if "iat" in payload else None
    # Clocks of servers differ: a token that has just expired may still be good by the signer's clock.
    if expires_at + leeway <= now:
        raise ProofRejected(f"the token expired {_format_duration(now - expires_at)} ago", mistake="expired")
    for name, begins in (("iat", issued_at), ("nbf", _numeric_date(payload, "nbf") if "nbf" in payload else None)):
        if begins is not None and begins > now + CLOCK_LEEWAY:
            raise ProofRejected(
                f"the token's {name} is in the future: the signer's clock is ahead, or it is not valid yet",
                mistake="not_yet_valid",
            )
    # V5 bounds the life, so that a stolen token does not identify for years.
    lifetime = expires_at - (now if issued_at is None else issued_at)
    # The second clause bounds a token whose `iat` lies: a future `iat` passes the first with any `exp`.
    if lifetime > max_lifetime or expires_at > now + max_lifetime + CLOCK_LEEWAY:
        raise ProofRejected(f"the token lives for more than {_format_duration(max_lifetime)}", mistake="lives_too_long")
    return expires_at


def unverified_payload(text: str, max_length: int) -> Mapping[str, Any]:
    """Read what a token states, without verifying any of it; empty for text that is no token."""
    try:
        return parse_token(text, max_length).payload
    except ProofRejected:
        return {}


def _numeric_date(payload: Mapping[str, Any], name: str) -> Instant:
    """Convert a NumericDate, in seconds with an optional fraction (RFC 7519 §2). Raises `ProofRejected`."""
    value = payload[name]
    # `True` is a number to Python, and would mean one second after 1970.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ProofRejected(f"the token's {name} is no number of seconds since 1970", mistake=f"no_{name}")
    if value > 10**11:  # the year 5138 in seconds, 1973 in milliseconds
        raise ProofRejected(f"the token's {name} is in milliseconds; write seconds", mistake="milliseconds")
    return int(value * SECOND)


def _format_duration(span: Instant) -> str:
    if span >= 2 * HOUR:
        return f"{span // HOUR} hours"
    return f"{span // MINUTE} minutes" if span >= 2 * MINUTE else f"{span // SECOND} seconds"


def _decode_base64url(part: str) -> bytes:
    # RFC 7515 leaves the padding out; the decoder wants it.
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _seems_nested(part: str) -> bool:
    try:
        return _COMPACT.fullmatch(_decode_base64url(part).decode("latin-1")) is not None
    except ValueError:
        return False
