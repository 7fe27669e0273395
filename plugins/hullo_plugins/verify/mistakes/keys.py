"""What a signer may have taken for the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from hullo.model.app import App, IdentityKey
from hullo.model.instant import Instant
from hullo.pipeline.register.register import API_KEY_PREFIX, IDENTITY_KEY_PREFIX
from hullo_plugins.verify.mistakes.guesses import Guess
from hullo_plugins.verify.mistakes.slips import RETIRED_KEY, Slip
from hullo_plugins.verify.mistakes.writings import of_base64, of_hex

KEYS_MOST: Final = 20
"""The active ones before the retired, and of each the newest."""

_PREFIX: Final = f"{IDENTITY_KEY_PREFIX}_"
_SECRET: Final = (_PREFIX, f"{API_KEY_PREFIX}_")
_NOTHING: Final = ("", "null", "undefined", "None", "nil")
_AROUND: Final = (
    ("key_with_whitespace", "{}\n"),
    ("key_with_whitespace", "{}\r\n"),
    ("key_with_whitespace", "{} "),
    ("key_with_whitespace", " {}"),
    ("key_with_whitespace", "\ufeff{}"),
    ("key_with_quotes", '"{}"'),
    ("key_with_quotes", "'{}'"),
)


def is_secret(text: str) -> bool:
    """Whether the text is a key, and no hash."""
    return text.startswith(_SECRET)


def taken_for_key(app: App, now: Instant) -> list[Guess]:
    """The right ones, and what is mistaken for them."""
    newest_first = app.identity_keys[::-1]
    keys = sorted(newest_first, key=lambda key: not key.active(now))[:KEYS_MOST]
    guesses = [guess for key in keys for guess in _of_key(key, now)]
    guesses += (Guess(word.encode(), (Slip("key_empty"),)) for word in _NOTHING)
    guesses.append(Guess(app.app_key.encode(), (Slip("app_key_as_key"),)))
    return guesses


def _of_key(key: IdentityKey, now: Instant) -> Iterator[Guess]:
    yield Guess(key.id.encode(), (Slip("key_id_as_key"),))
    if key.public_key is not None:
        yield from (Guess(text, (Slip("public_key_as_key"),)) for text in _published(key.public_key))
        return
    for guess in (Guess(key.secret.encode()), *_misread(key.secret)):
        yield guess if key.active(now) else replace(guess, slips=(RETIRED_KEY, *guess.slips))


def _misread(secret: str) -> Iterator[Guess]:
    bare = secret.removeprefix(_PREFIX)
    yield Guess(bare.encode(), (Slip("key_without_prefix"),))
    decodings = (
        ("key_decoded_from_hex", (of_hex(bare), _packed(secret))),
        # Some decoders take `_` for a letter, and some leave it out.
        ("key_decoded_from_base64", map(of_base64, (bare, secret, secret.replace("_", "")))),
    )
    for code, decoded in decodings:
        yield from (Guess(each, (Slip(code),)) for each in decoded if each is not None)
    for code, around in _AROUND:
        yield Guess(around.format(secret).encode(), (Slip(code),))
    for text in (secret.upper(), _PREFIX + bare.upper()):
        yield Guess(text.encode(), (Slip("key_in_other_case"),))
    yield Guess(secret.encode("utf-16-le"), (Slip("key_not_utf8"),))


def _packed(text: str) -> bytes:
    """As Ruby's and Perl's `pack("H*")` decode hexadecimal: any letter is a digit to them."""
    digits = [ord(each) + 9 * each.isalpha() & 15 for each in text + "0" * (len(text) % 2)]
    return bytes(high << 4 | low for high, low in zip(digits[::2], digits[1::2], strict=True))


def _published(jwk: str) -> Iterator[bytes]:
    """How a public key is written: as it is kept, and as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from jwt import PyJWK

    yield jwk.encode()
    pem: bytes = PyJWK.from_json(jwk).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield pem
    yield pem.rstrip()
