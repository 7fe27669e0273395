"""Tokens that a site's server signs about a person (V5): selection of the key, and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import jwt

from hullo.errors import ProofRejected
from hullo.model.app import App, IdentityKey
from hullo.model.compact_token import HS256, ParsedToken, parse_token, validate_token_payload, verify_signature
from hullo.model.instant import Instant
from hullo.model.public_key import PUBLIC_KEY_ALGORITHMS, PublicKey
from hullo.value import Value

ACCEPTED_ALGORITHMS: Final = (HS256, *PUBLIC_KEY_ALGORITHMS)
"""Algorithms that tokens may use."""
MAX_TOKEN_ID_LENGTH: Final = 255
USES: Final = "hullo_uses"
"""Claim: how often the token may be used (T6). Absent: once."""
CONFIRM: Final = "hullo_confirm"
"""Claim: true for a token in a mail, which counts only after a click on the confirmation page (T6)."""
# Each use is a row that every redemption looks up; a token for more uses is no secret of one person any more.
MAX_USES: Final = 20


class SignedToken(Value):
    """Token that was verified and is valid for this app now."""

    payload: Mapping[str, Any]
    key_id: str
    """The identity key that verified it."""
    expires_at: Instant
    token_id: str | None
    """The `jti`. None: the token may be used repeatedly."""
    digest: str
    """Digest of the signed part: the same for every encoding of the same token."""
    uses: int = 1
    needs_confirmation: bool = False


def read_signed_token(text: str, app: App, now: Instant, max_length: int) -> SignedToken:
    """Verify a token that one of the app's active keys signed. Raises `ProofRejected` with the reason."""
    parsed = parse_token(text, max_length)
    header = parsed.header
    # RFC 8725 §3.11: another typ is a token for another purpose, such as a hop token.
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise ProofRejected("the token's typ is not JWT", mistake="token_type")
    algorithm = header.get("alg")
    # An allow list: `none` is refused without being named (RFC 8725 §3.1).
    if algorithm not in ACCEPTED_ALGORITHMS:
        raise ProofRejected(f"the token's alg is none of {', '.join(ACCEPTED_ALGORITHMS)}", mistake="algorithm")
    signers = candidate_keys(app.identity_keys, algorithm, header.get("kid"), now)
    # Several secrets may be active during a rotation, and `kid` is optional (V4).
    key = next((candidate for candidate in signers if is_signed_by(candidate, parsed)), None)
    if key is None:
        raise ProofRejected("the token's signature is not that of any active key it could be of", mistake="signature")
    # After the signature: a forged token must not learn which of its claims was wrong.
    expires_at = validate_token_payload(parsed.payload, app, now)
    return SignedToken(
        payload=parsed.payload,
        key_id=key.id,
        expires_at=expires_at,
        token_id=_token_id(parsed.payload),
        digest=parsed.digest,
        uses=_stated_uses(parsed.payload),
        needs_confirmation=_states_confirmation(parsed.payload),
    )


def candidate_keys(keys: Sequence[IdentityKey], algorithm: str, kid: object, now: Instant) -> list[IdentityKey]:
    """Find the active keys of the algorithm that may have signed; if the token has a `kid`, only the key it names.

    A secret verifies HS256 alone, a public key only the algorithm that it was registered for, regardless of the token.
    Raises `ProofRejected` when none is left.
    """
    # By algorithm first: an RSA key as HMAC secret is the classic confusion (RFC 8725 §2.1).
    fitting = [key for key in keys if key_algorithm(key) == algorithm]
    if not fitting:
        raise ProofRejected(f"the app has no key for {algorithm}", mistake="algorithm")
    if kid is not None:
        fitting = [key for key in fitting if kid in (key.id, owner_kid(key))]
        if not fitting:
            raise ProofRejected("the token's kid names no key of this app for its alg", mistake="unknown_kid")
    # Last, so that a retired key gets its own message: sites forget to change the signer.
    active = [key for key in fitting if key.is_active(now)]
    if not active:
        raise ProofRejected("the key that should have signed the token is retired", mistake="retired_key")
    return active


def key_algorithm(key: IdentityKey) -> str:
    """Return the one algorithm of the key."""
    return HS256 if key.public_key is None else _parse_public_key(key.public_key).algorithm


def is_signed_by(key: IdentityKey, parsed: ParsedToken) -> bool:
    """Verify the signature with one key. Raises `ProofRejected` for a token without `exp` or `aud`."""
    verifier = key.secret if key.public_key is None else _load_jwk(key.public_key).key
    return verify_signature(parsed, verifier, key_algorithm(key))


def _token_id(payload: Mapping[str, Any]) -> str | None:
    token_id = payload.get("jti")
    if token_id is None:
        return None
    # A malformed `jti` is refused, not ignored: the token would count as one to use repeatedly.
    if not isinstance(token_id, str) or not 0 < len(token_id) <= MAX_TOKEN_ID_LENGTH:
        raise ProofRejected(f"the token's jti is no text of 1 to {MAX_TOKEN_ID_LENGTH} characters", mistake="no_jti")
    return token_id


def _stated_uses(payload: Mapping[str, Any]) -> int:
    uses = payload.get(USES, 1)
    # `True` is a number to Python.
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= MAX_USES:
        raise ProofRejected(f"the token's {USES} is no whole number from 1 to {MAX_USES}", mistake="no_uses")
    return uses


def _states_confirmation(payload: Mapping[str, Any]) -> bool:
    confirm = payload.get(CONFIRM, False)
    # Refused and not ignored: the signer meant a token that no mail scanner uses up.
    if not isinstance(confirm, bool):
        raise ProofRejected(f"the token's {CONFIRM} is neither true nor false", mistake="no_confirm")
    return confirm


def owner_kid(key: IdentityKey) -> str | None:
    """Return the owner's name for the key, beside its id; None without one, and for a secret."""
    return _parse_public_key(key.public_key).kid if key.public_key is not None else None


# Keyed by the text: a changed key is another entry, so nothing goes stale.
@lru_cache(maxsize=256)
def _parse_public_key(text: str) -> PublicKey:
    """Parse a stored key without `cryptography`, which only verification needs."""
    return PublicKey.from_jwk(text)


@lru_cache(maxsize=256)
def _load_jwk(text: str) -> jwt.PyJWK:
    return jwt.PyJWK.from_json(text)
