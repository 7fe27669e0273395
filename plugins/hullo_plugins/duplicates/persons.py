"""Normalize the names of persons and companies, so that spellings of one name become equal."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hullo.plugin import is_non_identity
from hullo_plugins.duplicates.stopwords import LEGAL_FORMS, ROLE_NAMES

_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
"""Matches accents of Latin, Greek and Cyrillic letters. Marks of other scripts are kept: they distinguish words."""
_IGNORED_PUNCTUATION: Final = re.compile("[.'`\u2018\u2019]")


def name_and_company_key(name: str, company: str) -> str | None:
    """Make a key of a name and a company: equal for `Jane Doe` of `Acme Inc.` and `DOE, Jané` of `ACME`.

    Returns None where the name or the company identifies nothing.
    """
    words, firm = _words(name), _words(company)
    while len(firm) > 1 and firm[-1] in LEGAL_FORMS:
        firm.pop()
    if not firm or is_non_identity(company) or not words or is_non_identity(name) or ROLE_NAMES.issuperset(words):
        return None
    return f"{' '.join(sorted(words))}, {' '.join(firm)}"


def _words(text: str) -> list[str]:
    """Split a text into its words, without case, accents and punctuation."""
    if text.isascii():
        bare = _IGNORED_PUNCTUATION.sub("", text.lower())
        return bare.split() if bare.isalnum() else "".join(char if char.isalnum() else " " for char in bare).split()
    accented = unicodedata.normalize("NFKD", _IGNORED_PUNCTUATION.sub("", text.casefold()))
    bare = unicodedata.normalize("NFC", _ACCENTS.sub("", accented)).casefold()
    return "".join(char if _in_word(char) else " " for char in bare).split()


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
