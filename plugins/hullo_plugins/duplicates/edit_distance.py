"""Texts that are one slip of the hand apart: a letter too many, one too few, another one, or two in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import NamedTuple


class Edit(NamedTuple):
    """Where two texts differ, and what each has there."""

    position: int
    first: str
    second: str

    @property
    def has_digits(self) -> bool:
        """Whether it is about digits, which people count on: `anna1` and `anna2` are two."""
        return any(map(str.isdigit, self.first + self.second))


def single_edit(first: str, second: str) -> Edit | None:
    """None where they are equal, or further apart."""
    if first == second or abs(len(first) - len(second)) > 1:
        return None
    shorter = min(len(first), len(second))
    at = next((index for index in range(shorter) if first[index] != second[index]), shorter)
    ours, theirs = first[at:], second[at:]
    if ours[1:] == theirs[1:]:
        return Edit(at, ours[:1], theirs[:1])
    if ours[1:] == theirs:
        return Edit(at, ours[0], "")
    if ours == theirs[1:]:
        return Edit(at, "", theirs[0])
    if ours[2:] == theirs[2:] and ours[:2] == theirs[1::-1]:
        return Edit(at, ours[:2], theirs[:2])
    return None


def deletions(text: str, start: int = 0) -> Iterator[str]:
    """The text without one of its letters, for each from an index on.

    Of two texts with a slip between them, which is not before that index and not about digits, each has the other
    among these, or they have one of these in common. So who looks for such texts need not compare all with all.
    """
    for index in range(start, len(text)):
        if not text[index].isdigit():
            yield text[:index] + text[index + 1 :]


def single_edits(text: str, start: int = 0) -> Iterator[str]:
    """Every text with one slip between, as far as it takes Latin letters. Some come twice."""
    yield from deletions(text, start)
    for index in range(start, len(text)):
        before, after = text[:index], text[index:]
        yield from (before + letter + after for letter in ascii_lowercase)
        if after[0].isdigit():
            continue
        yield from (before + letter + after[1:] for letter in ascii_lowercase)
        if len(after) > 1 and not after[1].isdigit():
            yield before + after[1] + after[0] + after[2:]
    yield from (text + letter for letter in ascii_lowercase)
