"""Tokens that a site's server signs about a person (V5): JSON Web Tokens, made and read.

PyJWT verifies signatures; the clock is hullo's own, and what a token must and must not be is decided here.
"""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, cast

import jwt

from hullo.errors import ProofRejected
from hullo.model.app import App, IdentityKey
from hullo.model.instant import DAY, MINUTE, SECOND, Instant
from hullo.model.public_key import PublicKey
from hullo.model.strict_json import read_object

HMAC: Final = "HS256"
PUBLIC: Final = ("EdDSA", "ES256", "RS256")
LIFE_LONGEST: Final = DAY
LEEWAY: Final = MINUTE
"""How far the signer's clock may be off."""
TOKEN_ID_LONGEST: Final = 255

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_OPTIONS: Final[Any] = {
    "require": ["exp", "aud"],
    # Here, with a sentence for each: by hullo's own clock, and for the app that is asked.
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    # Pages and servers write numeric ids as numbers; the claim that is read from the payload takes both.
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token that is good here and now."""

    payload: Mapping[str, Any]
    key_id: str
    """The identity key that verified it."""
    expires_at: Instant
    token_id: str | None
    """Its `jti`: None says that it may be shown again and again."""
    digest: str
    """Of what was signed: the same for every writing of the same token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedToken:
    """A token's parts, of which nothing is believed yet."""

    text: str
    header: Mapping[str, Any]
    payload: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Of what is signed, as a signature itself may be written in several ways."""
        return sha256(self.text.rpartition(".")[0].encode()).hexdigest()


def sign_token(
    key: IdentityKey,
    audience: str,
    claims: Mapping[str, object],
    *,
    now: Instant,
    life: Instant,
    secret: str | None = None,
    kind: str = "JWT",
) -> str:
    """An HS256 token over the claims, for the app `audience`, good from now for `life`.

    `secret` None signs with the key's own; `kind` is its `typ`.
    """
    payload = {**claims, "iat": now // SECOND, "exp": (now + life) // SECOND, "aud": audience}
    headers = {"kid": key.id, "typ": kind}
    return jwt.encode(payload, secret if secret is not None else key.secret, algorithm=HMAC, headers=headers)


def parse_token(text: str, longest: int) -> ParsedToken:
    """Raises `ProofRejected` for what is no signed token, whoever may have signed it: oversized, encrypted, nested,
    or with a header that asks for what is not understood."""
    if len(text) > longest:
        raise ProofRejected(f"the token is longer than {longest} characters", mistake="token_too_long")
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise ProofRejected("this is no signed token: three parts in base64url, with dots between", mistake="no_jwt")
    try:
        header, payload = (read_object(_decoded(part)) for part in parts.group(1, 2))
    except ValueError as error:
        nested = "; a token inside of a token is not read" if _seems_nested(parts.group(2)) else ""
        raise ProofRejected(f"the token's header and payload: each {error}{nested}", mistake="no_jwt") from error
    if unread := sorted(header.keys() & {"crit", "b64", "zip", "enc"}):
        raise ProofRejected(f"the token's header has {unread[0]!r}, which is not understood here", mistake="no_jwt")
    if "cty" in header:
        raise ProofRejected("a token inside of a token is not read", mistake="no_jwt")
    return ParsedToken(text=text, header=header, payload=payload)


def read_signed_token(text: str, app: App, now: Instant, longest: int) -> SignedToken:
    """A token that one of the app's active keys signed for it. Raises `ProofRejected`, which says why not."""
    parsed = parse_token(text, longest)
    header = parsed.header
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise ProofRejected("the token's typ is not JWT", mistake="token_type")
    algorithm = header.get("alg")
    if algorithm not in (HMAC, *PUBLIC):
        taken = ", ".join((HMAC, *PUBLIC))
        raise ProofRejected(f"the token's alg is none of {taken}", mistake="algorithm")
    signers = verifying_keys(app.identity_keys, algorithm, header.get("kid"), now)
    key = next((each for each in signers if signed_with(each, parsed)), None)
    if key is None:
        raise ProofRejected("the token's signature is not that of any active key it could be of", mistake="signature")
    expires_at = good_until(parsed.payload, app, now)
    return SignedToken(
        payload=parsed.payload,
        key_id=key.id,
        expires_at=expires_at,
        token_id=_token_id(parsed.payload),
        digest=parsed.digest,
    )


def verifying_keys(keys: Sequence[IdentityKey], algorithm: str, kid: object, now: Instant) -> list[IdentityKey]:
    """The active keys that may have signed: those of the algorithm, and of them the one that `kid` names.

    A secret verifies HS256 and nothing else, a public key the algorithm that it was registered for, whatever a token
    asks for. Raises `ProofRejected` when none is left.
    """
    fitting = [key for key in keys if key_algorithm(key) == algorithm]
    if not fitting:
        raise ProofRejected(f"the app has no key for {algorithm}", mistake="algorithm")
    if kid is not None:
        fitting = [key for key in fitting if kid in (key.id, _given_kid(key))]
        if not fitting:
            raise ProofRejected("the token's kid names no key of this app for its alg", mistake="unknown_kid")
    active = [key for key in fitting if key.active(now)]
    if not active:
        raise ProofRejected("the key that should have signed the token is retired", mistake="retired_key")
    return active


def key_algorithm(key: IdentityKey) -> str:
    """The one algorithm that the key is for."""
    return HMAC if key.public_key is None else _public(key.public_key).algorithm


def signed_with(key: IdentityKey, parsed: ParsedToken) -> bool:
    """Whether the token's signature is the key's. Raises `ProofRejected` for a token that lacks `exp` or `aud`."""
    verifier = key.secret if key.public_key is None else _jwk(key.public_key).key
    return verified(parsed, verifier, key_algorithm(key))


def verified(parsed: ParsedToken, verifier: Any, algorithm: str) -> bool:
    """The same, for a key that is no identity key."""
    try:
        jwt.decode(parsed.text, verifier, algorithms=[algorithm], options=_OPTIONS)
    except jwt.MissingRequiredClaimError as missing:
        raise ProofRejected(f"the token has no {missing.claim}", mistake=f"no_{missing.claim}") from missing
    except jwt.PyJWTError:
        return False
    return True


def good_until(payload: Mapping[str, Any], app: App, now: Instant) -> Instant:
    """When the token ends. Raises `ProofRejected` for one that is not good now, or not for this app."""
    audience: Any = payload["aud"]
    if app.app_key not in (cast("list[object]", audience) if isinstance(audience, list) else [audience]):
        raise ProofRejected("the token is for another audience: its aud must be the app key", mistake="audience")
    expires_at = _time(payload, "exp")
    issued_at = _time(payload, "iat") if "iat" in payload else None
    if expires_at + LEEWAY <= now:
        raise ProofRejected(f"the token expired {_ago(now - expires_at)}", mistake="expired")
    for name, begins in (("iat", issued_at), ("nbf", _time(payload, "nbf") if "nbf" in payload else None)):
        if begins is not None and begins > now + LEEWAY:
            raise ProofRejected(
                f"the token's {name} is in the future: the signer's clock is ahead, or it is not valid yet",
                mistake="not_yet_valid",
            )
    life = expires_at - (now if issued_at is None else issued_at)
    if life > LIFE_LONGEST or expires_at > now + LIFE_LONGEST + LEEWAY:
        raise ProofRejected("the token lives for more than 24 hours", mistake="lives_too_long")
    return expires_at


def named_audience(text: str) -> str | None:
    """The app that a token says it is for. Nothing of it is verified: it tells which app to ask."""
    try:
        audience = parse_token(text, len(text)).payload.get("aud")
    except ProofRejected:
        return None
    return audience if isinstance(audience, str) else None


def _time(payload: Mapping[str, Any], name: str) -> Instant:
    """Seconds since the epoch, which may have a fraction (RFC 7519, section 2)."""
    value = payload[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ProofRejected(f"the token's {name} is no number of seconds since 1970", mistake=f"no_{name}")
    if value > 10**11:
        raise ProofRejected(f"the token's {name} is in milliseconds; write seconds", mistake="milliseconds")
    return int(value * SECOND)


def _ago(span: Instant) -> str:
    seconds = span // SECOND
    return f"{seconds} seconds ago" if seconds < 600 else f"{seconds // 60} minutes ago"


def _token_id(payload: Mapping[str, Any]) -> str | None:
    token_id = payload.get("jti")
    if token_id is None:
        return None
    if not isinstance(token_id, str) or not 0 < len(token_id) <= TOKEN_ID_LONGEST:
        raise ProofRejected(f"the token's jti is no text of 1 to {TOKEN_ID_LONGEST} characters", mistake="no_jti")
    return token_id


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _seems_nested(part: str) -> bool:
    try:
        return _COMPACT.fullmatch(_decoded(part).decode("latin-1")) is not None
    except ValueError:
        return False


def _given_kid(key: IdentityKey) -> str | None:
    return _public(key.public_key).kid if key.public_key is not None else None


@lru_cache(maxsize=256)
def _public(text: str) -> PublicKey:
    """Without `cryptography`, which is needed to verify with it and not to tell what it is."""
    return PublicKey.stored(text)


@lru_cache(maxsize=256)
def _jwk(text: str) -> jwt.PyJWK:
    return jwt.PyJWK.from_json(text)
