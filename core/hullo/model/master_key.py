"""Whether a master key is one that nobody guesses. What is done with it is in `pipeline/secrets/vault.py`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

MIN_LENGTH: Final = 32
"""Characters. Of hexadecimal ones that is 128 bits."""
MIN_DISTINCT_CHARACTERS: Final = 8
GRAM: Final = 4

# The short ones only where they stand alone, as four letters may turn up in any random text.
_PLACEHOLDER_WORDS: Final = re.compile(
    "change.?(?:me|it|this)|replace.?(?:me|it|this)|secret|passw(?:or)?d|pass.?phrase|example|placeholder|default"
    "|insecure|sample|qwerty|master.?key|letmein"
    r"|(?<![a-z0-9])(?:your|test|testing|dummy|foobar|fixme|hullo|development|production)(?![a-z0-9])"
)
_TEMPLATE_SYNTAX: Final = re.compile(r"\$[({]|<.*>$|\{\{|%\(")
_RANKS: Final = {letter: rank for rank, letter in enumerate("0123456789abcdefghijklmnopqrstuvwxyz")}


def find_weakness(master_key: str) -> str | None:
    """Why this is a placeholder and no key, to follow "it"; None for one that looks random.

    Refuses what people type, copy from a page or forget to fill in; of random ones in hexadecimal or base64 less than
    one in a million.
    """
    text = master_key.casefold()
    return next((reason for reason, holds in _WEAKNESSES.items() if holds(text)), None)


def _is_sequence(text: str) -> bool:
    """Like `0123456789abcdef…`, backwards too, in steps of one or two characters as bytes in hexadecimal are."""
    # Other signs have ranks far apart, so that none follows another.
    ranks = [_RANKS.get(letter, 100 * ord(letter)) for letter in text]
    for stride in (1, 2):
        steps = Counter(after - before for before, after in zip(ranks, ranks[stride:], strict=False))
        if max(steps[step] for step in (-1, 0, 1)) > 0.4 * len(text):
            return True
    return False


def _is_repetitive(text: str) -> bool:
    grams = [text[start : start + GRAM] for start in range(len(text) - GRAM + 1)]
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
