"""What a signer may have taken for the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from hullo.plugin import API_KEY_PREFIX, IDENTITY_KEY_PREFIX, App, IdentityKey, Instant
from hullo_plugins.verify.mistakes.diagnosis_search import Variant
from hullo_plugins.verify.mistakes.encodings import decode_base64, decode_hex
from hullo_plugins.verify.mistakes.mistakes import RETIRED_KEY, SigningMistake

MAX_KEYS: Final = 20
"""How many keys are tried: the active before the retired, the newest first."""

_PREFIX: Final = f"{IDENTITY_KEY_PREFIX}_"
_SECRET_PREFIXES: Final = (_PREFIX, f"{API_KEY_PREFIX}_")
_EMPTY_VALUES: Final = ("", "null", "undefined", "None", "nil")
_WRAPPINGS: Final = (
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
    return text.startswith(_SECRET_PREFIXES)


def key_variants(app: App, now: Instant) -> list[Variant]:
    """The right ones, and what is mistaken for them."""
    newest_first = app.identity_keys[::-1]
    keys = sorted(newest_first, key=lambda key: not key.is_active(now))[:MAX_KEYS]
    guesses = [guess for key in keys for guess in _variants_of_key(key, now)]
    guesses += (Variant(word.encode(), (SigningMistake("key_empty"),)) for word in _EMPTY_VALUES)
    guesses.append(Variant(app.app_key.encode(), (SigningMistake("app_key_as_key"),)))
    return guesses


def _variants_of_key(key: IdentityKey, now: Instant) -> Iterator[Variant]:
    yield Variant(key.id.encode(), (SigningMistake("key_id_as_key"),))
    if key.public_key is not None:
        yield from (
            Variant(text, (SigningMistake("public_key_as_key"),)) for text in _public_key_encodings(key.public_key)
        )
        return
    for guess in (Variant(key.secret.encode()), *_misread_variants(key.secret)):
        yield guess if key.is_active(now) else replace(guess, mistakes=(RETIRED_KEY, *guess.mistakes))


def _misread_variants(secret: str) -> Iterator[Variant]:
    bare = secret.removeprefix(_PREFIX)
    yield Variant(bare.encode(), (SigningMistake("key_without_prefix"),))
    decodings = (
        ("key_decoded_from_hex", (decode_hex(bare), _unpack_hex(secret))),
        # Some decoders take `_` for a letter, and some leave it out.
        ("key_decoded_from_base64", map(decode_base64, (bare, secret, secret.replace("_", "")))),
    )
    for code, decoded in decodings:
        yield from (Variant(key, (SigningMistake(code),)) for key in decoded if key is not None)
    for code, around in _WRAPPINGS:
        yield Variant(around.format(secret).encode(), (SigningMistake(code),))
    for text in (secret.upper(), _PREFIX + bare.upper()):
        yield Variant(text.encode(), (SigningMistake("key_in_other_case"),))
    yield Variant(secret.encode("utf-16-le"), (SigningMistake("key_not_utf8"),))


def _unpack_hex(text: str) -> bytes:
    """As Ruby's and Perl's `pack("H*")` decode hexadecimal: any letter is a digit to them."""
    digits = [ord(digit) + 9 * digit.isalpha() & 15 for digit in text + "0" * (len(text) % 2)]
    return bytes(high << 4 | low for high, low in zip(digits[::2], digits[1::2], strict=True))


def _public_key_encodings(jwk: str) -> Iterator[bytes]:
    """How a public key is written: as it is kept, and as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from jwt import PyJWK

    yield jwk.encode()
    pem: bytes = PyJWK.from_json(jwk).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield pem
    yield pem.rstrip()
