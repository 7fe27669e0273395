"""Compare texts by one edit: an inserted, deleted or substituted character, or two adjacent ones transposed."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase
from typing import NamedTuple


class Edit(NamedTuple):
    """The position where two texts differ, and the characters that the first and the second text have there."""

    position: int
    first: str
    second: str

    @property
    def has_digits(self) -> bool:
        """Return whether the edit changes a digit. Digits tell people apart: `anna1` and `anna2` are two persons."""
        return any(map(str.isdigit, self.first + self.second))


def single_edit(first: str, second: str) -> Edit | None:
    """Return the one edit between two texts. None where they are equal, or more than one edit apart."""
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
    """Yield the text without one of its characters, for every index from `start` that holds no digit.

    Take two texts one edit apart, where the edit is not before `start` and changes no digit: one text is a deletion of
    the other, or both have a deletion in common. So a search by deletions need not compare every text with every other.
    """
    for index in range(start, len(text)):
        if not text[index].isdigit():
            yield text[:index] + text[index + 1 :]


def single_edits(text: str, start: int = 0) -> Iterator[str]:
    """Yield every text one edit away that adds only ASCII letters and changes no digit. Some texts come twice."""
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
