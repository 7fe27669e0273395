"""What a search of contacts compares: folded text of the contact, and the parts of a query that must be in it.

Only text is compared here. Stores keep the folded text and find it by an index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

import idna

from hullo.model.contact import Contact
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.value import Value

SHORTEST_SUBSTRING: Final = 3
"""Shorter words of a query match the beginnings of words only: most texts contain any two letters."""
MAX_QUERY_LENGTH: Final = 4096
MAX_QUERY_WORDS: Final = 32
"""A longer query, or one with more different words, finds nothing."""

_PHONE: Final = "phone"
_NOT_SEARCHED: Final = frozenset({"avatar_url"})
# Letters that are written with a stroke or without a dot, which NFKD does not take apart.
_PLAIN_LETTERS: Final = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)
# Upper-case letters never occur in folded text: the digits of phones are compared with those of phones alone.
_PHONE_DIGITS: Final = str.maketrans("0123456789", "ABCDEFGHIJ")
_LOOKS_LIKE_PHONE: Final = re.compile(r"[-+0-9()./\s]+")
_TRUNK_PREFIX: Final = re.compile(r"\(0\)")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")


def fold(text: str) -> str:
    """Fold text for comparison: without case, accents and invisible characters. `fold(fold(text)) == fold(text)`."""
    if text.isascii():
        return text.lower()
    # Twice: case folding may make letters that can be taken apart again.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(char for char in decomposed if unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"))
    return bare.translate(_PLAIN_LETTERS)


def search_text(contact: Contact) -> str:
    """Join the folded words of identifiers, profile and tags, each after a space; of phones the digits."""
    words: list[str] = []
    for kind, fact in contact.all_identifiers():
        words += _email_words(str(fact.value)) if kind == EMAIL else fold(str(fact.value)).split()
    for name, fact in contact.profile.items():
        if name == _PHONE:
            words += _phone_words(str(fact.value))
        elif name not in _NOT_SEARCHED:
            words += fold(str(fact.value)).split()
    for phone in contact.phones:
        words += _phone_words(str(phone.value))
    for tag in contact.tags:
        words += fold(f"#{tag}").split()
    return "".join(f" {word}" for word in dict.fromkeys(words))


def is_searched_alike(before: Contact, after: Contact) -> bool:
    """Return whether both certainly have the same `search_text`; cheap, for most writes change other values."""
    return (
        _same_values(before.identifiers, after.identifiers)
        and _same_values(before.profile, after.profile)
        and before.also == after.also
        and before.phones == after.phones
        and before.tags.keys() == after.tags.keys()
    )


class SearchQuery(Value, kw_only=False):
    """What a search looks for: all parts of at least one alternative must be in the text of a contact.

    A part is a substring, or the beginning of a word, which is a substring with a space before it.
    """

    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> SearchQuery:
        """Parse what a person typed. Words may stand in any order and in different values; all must match.

        Text that looks like a phone number is also compared with the digits of phones, in one piece and without the
        zeros at its beginning, which stand for a country or a trunk line.
        """
        words = dict.fromkeys(fold(text).split())
        if len(text) > MAX_QUERY_LENGTH or len(words) > MAX_QUERY_WORDS:
            return cls(())
        parts = tuple(word if len(word) >= SHORTEST_SUBSTRING else f" {word}" for word in words)
        digits = _digits_of(text) if _LOOKS_LIKE_PHONE.fullmatch(text) else ""
        if len(digits) < SHORTEST_SUBSTRING:
            return cls((parts,))
        return cls((parts, (digits.translate(_PHONE_DIGITS),)))

    def matches(self, text: str) -> bool:
        """Compare with the `search_text` of a contact. A query without a word matches every contact."""
        return any(all(part in text for part in parts) for parts in self.alternatives)


def _same_values(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> bool:
    return before is after or (
        before.keys() == after.keys() and all(fact.value == after[name].value for name, fact in before.items())
    )


def _email_words(email: str) -> Iterator[str]:
    """Yield the address with its domain as written, and in the other of its two forms: `bücher`, `xn--bcher-kva`."""
    yield from fold(email).split()
    local, at, domain = email.rpartition("@")
    if not domain.isascii() or "xn--" in domain.lower():
        for other in _domain_forms(domain):
            yield from fold(f"{local}{at}{other}").split()


def _domain_forms(domain: str) -> Iterator[str]:
    try:
        encoded = idna.encode(domain, uts46=True).decode("ascii")
        yield encoded
        yield idna.decode(encoded)
    except (idna.IDNAError, UnicodeError):
        return  # no registrable name has no other form


def _phone_words(phone: str) -> Iterator[str]:
    if digits := _digits_of(phone):
        yield digits.translate(_PHONE_DIGITS)
    # A phone that could not be normalised may have words, such as those of an extension.
    if not _LOOKS_LIKE_PHONE.fullmatch(phone):
        yield from fold(phone).split()


def _digits_of(phone: str) -> str:
    """Return the digits without zeros in front, and without the `(0)` that is left out when calling from abroad."""
    folded = unicodedata.normalize("NFKC", _TRUNK_PREFIX.sub("", phone))
    return _NO_DIGITS.sub("", folded).lstrip("0")
