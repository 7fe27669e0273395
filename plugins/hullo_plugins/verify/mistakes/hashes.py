"""A hash over a value that is wrong: which mistake was it?"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from hullo.plugin import UNRECOGNISED, App, Instant, Mistake, Value
from hullo_plugins.verify.mistakes.diagnosis_search import DigestMethod, find_mistakes
from hullo_plugins.verify.mistakes.encodings import HASH_LENGTH, digest_variants, strip_wrapping
from hullo_plugins.verify.mistakes.keys import is_secret, key_variants
from hullo_plugins.verify.mistakes.mistakes import KEY_SENT, NOT_TEXT, SigningMistake, describe_mistakes
from hullo_plugins.verify.mistakes.values import value_variants
from hullo_plugins.verify.mistakes.words import HASH_SENTENCES


class HashEvidence(Value):
    """A hash as it was sent, and what it should be over."""

    field: str
    """The evidence, such as `user_hash`."""
    text: str
    signed_field: str
    """The field that is signed; where it was not sent, in words what could be."""
    value: str | None
    """None: nothing was sent that it could be over."""
    other_values: Mapping[str, str]
    """Further values of the call by their fields, which may have been signed by mistake."""
    external_id_rejection: str | None = None
    """Why the external_id was left out of the call, if it was, and the hash should be over it."""


def _hmac_method(name: str, *slips: SigningMistake) -> DigestMethod:
    return DigestMethod(lambda key, value: hmac.digest(key, value, name), slips)


def _other_digest(about: str) -> SigningMistake:
    return SigningMistake("other_digest", about)


HMAC_SHA256: Final = _hmac_method("sha256")
_METHODS: Final = (
    HMAC_SHA256,
    DigestMethod(lambda key, value: hmac.digest(value, key, "sha256"), (SigningMistake("key_and_value_swapped"),)),
    *(_hmac_method(name, _other_digest(f"HMAC-{name.upper()}")) for name in ("sha1", "sha512", "sha384", "md5")),
    DigestMethod(lambda _, value: _sha256(value), (_other_digest("SHA-256 of the value alone, which is no HMAC"),)),
    DigestMethod(
        lambda key, value: _sha256(key + value), (_other_digest("SHA-256 of key and value together, which is no HMAC"),)
    ),
    DigestMethod(
        lambda key, value: _sha256(value + key), (_other_digest("SHA-256 of value and key together, which is no HMAC"),)
    ),
)
_TOKEN: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


def explain_hash(evidence: HashEvidence, app: App, now: Instant) -> list[Mistake]:
    """The mistakes; none where it is right. `unrecognised` is the last of them where something stays unexplained."""
    return describe_mistakes(
        _diagnose(evidence, app, now), HASH_SENTENCES, app, field=evidence.field, signed=evidence.signed_field
    )


def _diagnose(evidence: HashEvidence, app: App, now: Instant) -> list[SigningMistake]:
    seen = _obvious_mistake(evidence)
    if seen is not None:
        return [seen]
    fault = evidence.external_id_rejection
    missing = [SigningMistake("external_id_rejected", fault)] if fault is not None else []
    if evidence.value is None:
        return missing or [SigningMistake("no_value")]
    written = digest_variants(evidence.text)
    values = value_variants(evidence.signed_field, evidence.value, evidence.other_values)
    found = find_mistakes(written, key_variants(app, now), values, _METHODS)
    if found is not None:
        return list(found)
    # However the rest came about, how it is written is wrong too.
    miswritten = next((guess.mistakes for guess in written if len(guess.data) * 2 == HASH_LENGTH), ())
    return [*miswritten, *(missing or [_length_mistake(evidence.text)])]


def _obvious_mistake(evidence: HashEvidence) -> SigningMistake | None:
    """What one sees without computing anything."""
    bare = strip_wrapping(evidence.text)
    if not bare:
        return NOT_TEXT
    if is_secret(bare):
        return KEY_SENT
    if _TOKEN.fullmatch(bare):
        return SigningMistake("token_as_hash")
    return SigningMistake("not_hashed") if bare == evidence.value else None


def _length_mistake(sent: str) -> SigningMistake:
    # By the length alone: to confirm a part of the hash would help an attacker to guess the rest.
    bare = strip_wrapping(sent)
    if len(bare) == HASH_LENGTH or re.fullmatch("[0-9A-Fa-f]+", bare) is None:
        return SigningMistake(UNRECOGNISED)
    return SigningMistake("truncated" if len(bare) < HASH_LENGTH else "too_long", str(len(bare)))


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
