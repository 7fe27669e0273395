"""What people and companies are called, whoever wrote it down."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hullo.model.identifier import names_nobody
from hullo.pipeline.duplicates.known import LEGAL_FORMS, ROLES

_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
"""Of Latin, Greek and Cyrillic letters. Marks of other scripts are no accents, and tell words apart."""
_SILENT: Final = re.compile("[.'`\u2018\u2019]")


def person_key(name: str, company: str) -> str | None:
    """The same for `Jane Doe` of `Acme Inc.` and `DOE, Jané` of `ACME`. None where either says nothing."""
    words, firm = _words(name), _words(company)
    while len(firm) > 1 and firm[-1] in LEGAL_FORMS:
        firm.pop()
    if not firm or names_nobody(company) or not words or names_nobody(name) or ROLES.issuperset(words):
        return None
    return f"{' '.join(sorted(words))}, {' '.join(firm)}"


def _words(text: str) -> list[str]:
    """Its words without case, accents and punctuation."""
    if text.isascii():
        bare = _SILENT.sub("", text.lower())
        return bare.split() if bare.isalnum() else "".join(each if each.isalnum() else " " for each in bare).split()
    accented = unicodedata.normalize("NFKD", _SILENT.sub("", text.casefold()))
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", accented)).casefold()
    return "".join(each if _in_word(each) else " " for each in bare).split()


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
