"""What may have been signed in place of the value that is sent."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from hullo.plugin import CUSTOM_DATA, EMAIL, EXTERNAL_ID, Claim, email_key
from hullo_plugins.verify.mistakes.diagnosis_search import Variant
from hullo_plugins.verify.mistakes.mistakes import SigningMistake

MAX_OTHER_VALUES: Final = 20

_NUMBER: Final = re.compile(r"-?\d{1,20}(\.0+)?", re.ASCII)

_Transform = Callable[[str], tuple[str, ...]]

_SHARED_TRANSFORMS: Final[tuple[tuple[str, _Transform], ...]] = (
    ("value_with_whitespace", lambda text: (f"{text}\n", f"{text}\r\n", f"{text} ", f" {text}", f"\ufeff{text}")),
    ("value_json_quoted", lambda text: (json.dumps(text), json.dumps(text, ensure_ascii=False), f"'{text}'")),
    ("value_url_encoded", lambda text: (quote(text, safe=""), quote_plus(text))),
    ("value_normalised", lambda text: (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))),
)
_EMAIL_TRANSFORMS: Final[tuple[tuple[str, _Transform], ...]] = (
    ("email_folded", lambda text: (text.strip().lower(), text.strip(), text.lower(), email_key(text))),
    ("email_not_folded", lambda text: (text.capitalize(), text.title(), text.upper(), _title_local_part(text))),
)
_OTHER_TRANSFORMS: Final[tuple[tuple[str, _Transform], ...]] = (
    ("value_trimmed", lambda text: (text.strip(),)),
    ("value_case", lambda text: (text.lower(), text.upper(), text.title())),
    ("value_number", lambda text: _number_formats(text)),
)


def signable_values(claim: Claim) -> dict[str, str]:
    """What else there is in a call that could have been signed, by field."""
    custom = {f"{CUSTOM_DATA}.{key}": value for key, value in claim.custom_data.items()}
    said = {EXTERNAL_ID: claim.external_id, EMAIL: claim.email_as_sent, **claim.profile, **custom}
    texts = {field: str(value) for field, value in said.items() if value is not None and not isinstance(value, bool)}
    return dict(islice(texts.items(), MAX_OTHER_VALUES))


def value_variants(field: str, text: str, others: Mapping[str, str]) -> list[Variant]:
    """The value itself, `text`; the ways in which it is mistaken; and other fields of the call, by their names."""
    guesses = [Variant(text.encode()), *_misread_variants(field, text)]
    for name, other in others.items():
        if other == text:
            continue
        instead = (field, name) == (EXTERNAL_ID, EMAIL)
        slip = SigningMistake("email_signed") if instead else SigningMistake("other_field_signed", name)
        misread = (replace(variant, mistakes=(slip, *variant.mistakes)) for variant in _misread_variants(name, other))
        guesses += (Variant(other.encode(), (slip,)), *misread)
    return guesses


def _misread_variants(field: str, text: str) -> Iterator[Variant]:
    own = _EMAIL_TRANSFORMS if field == EMAIL else _OTHER_TRANSFORMS
    seen = {text}
    for code, texts in (*own, *_SHARED_TRANSFORMS):
        for variant in texts(text):
            if variant not in seen:
                seen.add(variant)
                yield Variant(variant.encode(), (SigningMistake(code, field),))
    for encoding in ("utf-16-le", "latin-1"):
        encoded = text.encode(encoding, "replace")
        if encoded != text.encode():
            yield Variant(encoded, (SigningMistake("value_not_utf8", field),))


def _number_formats(text: str) -> tuple[str, ...]:
    """Other forms of a number: 123.0, 1,234, and without leading zeros."""
    if _NUMBER.fullmatch(text) is None:
        return ()
    number = int(text.partition(".")[0])
    return str(number), f"{number}.0", f"{number:,}"


def _title_local_part(email: str) -> str:
    local, at, domain = email.partition("@")
    return f"{local.title()}{at}{domain}"
