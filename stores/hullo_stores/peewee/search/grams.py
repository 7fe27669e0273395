"""Trigrams of search texts, for engines that index no substrings themselves."""

from __future__ import annotations

from typing import Final
from zlib import crc32

GRAM_LENGTH: Final = 3
MAX_GRAMS: Final = 24
"""Trigrams of a query that are looked up: more would only repeat what these say."""
_MAX_INTEGER: Final = 0x7FFFFFFF


def trigrams(part: str) -> list[str]:
    """Return the trigrams of one part of a query, evenly spread if there are many. None for less than three
    characters."""
    found = list(dict.fromkeys(part[start : start + GRAM_LENGTH] for start in range(len(part) - GRAM_LENGTH + 1)))
    step = -(-len(found) // MAX_GRAMS)
    return found[::step] if found else []


def gram_numbers(text: str) -> set[int]:
    """Return the numbers of all trigrams in a search text, each word with the space before it."""
    return {
        gram_number(f" {word}"[start : start + GRAM_LENGTH])
        for word in text.split()
        for start in range(len(word) - GRAM_LENGTH + 2)
    }


def gram_number(gram: str) -> int:
    """Return the number that stands for a trigram. Two may share one: what is found is compared with the text."""
    return crc32(gram.encode()) & _MAX_INTEGER
