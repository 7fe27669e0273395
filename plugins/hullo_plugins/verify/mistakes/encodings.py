"""How a digest may have been written, and what may stand around it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from msgspec.structs import replace

from hullo_plugins.verify.mistakes.diagnosis_search import Variant
from hullo_plugins.verify.mistakes.mistakes import STRAY_CHARACTERS, UPPER_CASE, SigningMistake

DIGEST_SIZES: Final = frozenset({16, 20, 32, 48, 64})
"""Of the digests that are looked for, in bytes."""
HASH_LENGTH: Final = 64

_HEX: Final = re.compile(r"([0-9A-Fa-f]{2})+")
_SEPARATED: Final = re.compile(r"[0-9A-Fa-f]{2}([-: ,][0-9A-Fa-f]{2})+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_PREFIX: Final = re.compile(r"(hmac[-_])?(sha-?256|hex)\s*[=:]\s*|bearer\s|0x|\\x|b(?=['\"])", re.IGNORECASE)
_LAYERS: Final = 4
_WRAPPING: Final = " \t\r\n\x00\u00a0\u200b\ufeff\"'`<>;,"


def digest_variants(sent: str) -> list[Variant]:
    """Every digest that the text may stand for, with what is wrong with how it is written."""
    plain = unquote(sent)
    encoded = (SigningMistake("url_encoded"),) if plain != sent else ()
    bare = strip_wrapping(plain)
    texts = [(plain, encoded)] if bare == plain else [(plain, encoded), (bare, (*encoded, STRAY_CHARACTERS))]
    guesses = (
        replace(guess, mistakes=(*slips, *guess.mistakes)) for text, slips in texts for guess in _decodings(text)
    )
    return [guess for guess in guesses if len(guess.data) in DIGEST_SIZES]


def strip_wrapping(text: str) -> str:
    """The text without what stands around it: white space, quotes, a prefix."""
    for _ in range(_LAYERS):
        text = text.strip(_WRAPPING)
        before = _PREFIX.match(text)
        text = text[before.end() :] if before is not None else text
    return text


def decode_base64(text: str) -> bytes | None:
    """What the text stands for in base64 or base64url, with its padding or without; None for what is neither."""
    if _BASE64.fullmatch(text) is None:
        return None
    try:
        return base64.b64decode(text.rstrip("=").translate({45: "+", 95: "/"}) + "==")
    except binascii.Error:
        return None


def decode_hex(text: str) -> bytes | None:
    """What the text stands for in hexadecimal of any case; None for what is none."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) else None


def _decodings(text: str) -> Iterator[Variant]:
    if _SEPARATED.fullmatch(text):
        together = re.sub("[-: ,]", "", text)
        yield from (replace(guess, mistakes=(STRAY_CHARACTERS, *guess.mistakes)) for guess in _hex_variants(together))
    yield from _hex_variants(text)
    decoded = decode_base64(text)
    if decoded is not None:
        yield Variant(decoded, (SigningMistake("base64url" if "-" in text or "_" in text else "base64"),))
        yield from _hex_variants(decoded.decode("latin-1").strip(), SigningMistake("base64_of_hex"))


def _hex_variants(text: str, *slips: SigningMistake) -> Iterator[Variant]:
    decoded = decode_hex(text)
    if decoded is None:
        return
    yield Variant(decoded, slips if text == text.lower() else (*slips, UPPER_CASE))
    if not slips:
        yield from _hex_variants(decoded.decode("latin-1").strip(), SigningMistake("hex_twice"))
