"""Strength check of master keys. Their use is in `secrets/vault.py`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

MIN_LENGTH: Final = 32
"""In characters; 128 bits in hexadecimal."""
MIN_DISTINCT_CHARACTERS: Final = 8
GRAM: Final = 4

# Short words count only where they stand alone: a random text may contain any four letters.
_PLACEHOLDER_WORDS: Final = re.compile(
    "change.?(?:me|it|this)|replace.?(?:me|it|this)|secret|passw(?:or)?d|pass.?phrase|example|placeholder|default"
    "|insecure|sample|qwerty|master.?key|letmein"
    r"|(?<![a-z0-9])(?:your|test|testing|dummy|foobar|fixme|hullo|development|production)(?![a-z0-9])"
)
_TEMPLATE_SYNTAX: Final = re.compile(r"\$[({]|<.*>$|\{\{|%\(")
_RANKS: Final = {letter: rank for rank, letter in enumerate("0123456789abcdefghijklmnopqrstuvwxyz")}


def find_weakness(master_key: str) -> str | None:
    """Find why a key is a placeholder, as a phrase that follows "it"; None for one that looks random.

    Refuses typed, copied and unfilled values; of random keys in hexadecimal or base64 less than one in a million.
    """
    # `CHANGEME` is as much of a placeholder as `changeme`.
    text = master_key.casefold()
    return next((reason for reason, holds in _WEAKNESSES.items() if holds(text)), None)


def _is_sequence(text: str) -> bool:
    """Match texts like `0123456789abcdef…`, backwards too, in steps of one or two characters (bytes in hexadecimal)."""
    # Ranks of other characters are far apart, so that none is a step from another.
    ranks = [_RANKS.get(letter, 100 * ord(letter)) for letter in text]
    # Stride 2 finds `00112233…` and `000102…`: bytes in hexadecimal that count up.
    for stride in (1, 2):
        steps = Counter(after - before for before, after in zip(ranks, ranks[stride:], strict=False))
        # A step of 0 is one repeated character. Random text in hexadecimal has a tenth or less of such steps.
        if max(steps[step] for step in (-1, 0, 1)) > 0.4 * len(text):
            return True
    return False


def _is_repetitive(text: str) -> bool:
    grams = [text[start : start + GRAM] for start in range(len(text) - GRAM + 1)]
    # Of a random key nearly every gram is different; a word typed several times repeats its own.
    return len(set(grams)) < 0.6 * len(grams)


_WEAKNESSES: Final[dict[str, Callable[[str], bool]]] = {
    "was not filled in": lambda text: _TEMPLATE_SYNTAX.match(text) is not None,
    f"is shorter than {MIN_LENGTH} characters": lambda text: len(text) < MIN_LENGTH,
    f"has fewer than {MIN_DISTINCT_CHARACTERS} different characters": lambda text: (
        len(set(text)) < MIN_DISTINCT_CHARACTERS
    ),
    "is a sequence": _is_sequence,
    "repeats itself": _is_repetitive,
    "holds a word that placeholders are made of": lambda text: _PLACEHOLDER_WORDS.search(text) is not None,
}
