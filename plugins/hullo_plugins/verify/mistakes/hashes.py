"""A hash over a value that is wrong: which mistake was it?"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hullo.model.app import App
from hullo.model.instant import Instant
from hullo.model.mistake import UNRECOGNISED, Mistake
from hullo_plugins.verify.mistakes.guesses import Way, search
from hullo_plugins.verify.mistakes.keys import is_secret, taken_for_key
from hullo_plugins.verify.mistakes.slips import KEY_SENT, NOT_TEXT, Slip, told
from hullo_plugins.verify.mistakes.values import taken_for_value
from hullo_plugins.verify.mistakes.words import OF_HASHES
from hullo_plugins.verify.mistakes.writings import HASH_LENGTH, bare_text, writings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A hash as it was sent, and what it should be over."""

    field: str
    """The evidence, such as `user_hash`."""
    sent: str
    signed: str
    """The field that is signed; where it was not sent, in words what could be."""
    value: str | None
    """None: nothing was sent that it could be over."""
    others: Mapping[str, str]
    """Further values of the call by their fields, which may have been signed by mistake."""
    external_id_fault: str | None = None
    """Why the external_id was left out of the call, if it was, and the hash should be over it."""


def _hmac(name: str, *slips: Slip) -> Way:
    return Way(lambda key, value: hmac.digest(key, value, name), slips)


def _other(about: str) -> Slip:
    return Slip("other_digest", about)


HMAC_SHA256: Final = _hmac("sha256")
_WAYS: Final = (
    HMAC_SHA256,
    Way(lambda key, value: hmac.digest(value, key, "sha256"), (Slip("key_and_value_swapped"),)),
    *(_hmac(name, _other(f"HMAC-{name.upper()}")) for name in ("sha1", "sha512", "sha384", "md5")),
    Way(lambda _, value: _sha256(value), (_other("SHA-256 of the value alone, which is no HMAC"),)),
    Way(lambda key, value: _sha256(key + value), (_other("SHA-256 of key and value together, which is no HMAC"),)),
    Way(lambda key, value: _sha256(value + key), (_other("SHA-256 of value and key together, which is no HMAC"),)),
)
_TOKEN: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


def explain_hash(hashed: Hashed, app: App, now: Instant) -> list[Mistake]:
    """The mistakes; none where it is right. `unrecognised` is the last of them where something stays unexplained."""
    return told(_slips(hashed, app, now), OF_HASHES, app, field=hashed.field, signed=hashed.signed)


def _slips(hashed: Hashed, app: App, now: Instant) -> list[Slip]:
    seen = _seen(hashed)
    if seen is not None:
        return [seen]
    fault = hashed.external_id_fault
    missing = [Slip("external_id_rejected", fault)] if fault is not None else []
    if hashed.value is None:
        return missing or [Slip("no_value")]
    written = writings(hashed.sent)
    values = taken_for_value(hashed.signed, hashed.value, hashed.others)
    found = search(written, taken_for_key(app, now), values, _WAYS)
    if found is not None:
        return list(found)
    # However the rest came about, how it is written is wrong too.
    miswritten = next((each.slips for each in written if len(each.data) * 2 == HASH_LENGTH), ())
    return [*miswritten, *(missing or [_by_length(hashed.sent)])]


def _seen(hashed: Hashed) -> Slip | None:
    """What one sees without computing anything."""
    bare = bare_text(hashed.sent)
    if not bare:
        return NOT_TEXT
    if is_secret(bare):
        return KEY_SENT
    if _TOKEN.fullmatch(bare):
        return Slip("token_as_hash")
    return Slip("not_hashed") if bare == hashed.value else None


def _by_length(sent: str) -> Slip:
    # By the length alone: to say of a part that it is right would help somebody to guess the rest of it.
    bare = bare_text(sent)
    if len(bare) == HASH_LENGTH or re.fullmatch("[0-9A-Fa-f]+", bare) is None:
        return Slip(UNRECOGNISED)
    return Slip("truncated" if len(bare) < HASH_LENGTH else "too_long", str(len(bare)))


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
