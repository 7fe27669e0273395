"""Who has a key in common: keys as numbers, and blocks of people among those in their order."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from hullo.model.contact import ContactId
from hullo.pipeline.duplicates.traits import Key

PERSON_BITS: Final = 28
"""Of an entry's 64; the 36 before them are of a key. So there may be 268 million people, and of a million some thousand
pairs are compared whose keys only look the same."""
_PERSON: Final = (1 << PERSON_BITS) - 1
_KEY: Final = (1 << 64 - PERSON_BITS) - 1

ENTRIES: Final = 1 << 64
"""Every entry is below."""


def entry_of(key: Key, person: int) -> int:
    """That somebody, by their number, has this key. In the order of entries those with one key stand together.

    Python's own hash, as it is quick, and another in each process: what lies in a temporary file tells nobody a phone.
    """
    return _number_of(key) << PERSON_BITS | person


def _number_of(key: Key) -> int:
    return hash(key) & _KEY


class People:
    """The ids of contacts by their numbers, from 0, in less than half of what a list of texts takes."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, contact_id: ContactId) -> None:
        """Who gets the next number."""
        self._ids += contact_id.encode()
        self._ends.append(len(self._ids))

    def __getitem__(self, number: int) -> ContactId:
        start = self._ends[number - 1] if number else 0
        return self._ids[start : self._ends[number]].decode()


@dataclass(frozen=True, slots=True)
class TooMany:
    """People with more than one key in common, or just one."""

    one: int
    """Any of them."""
    count: int
    keys: list[int] = field(default_factory=list[int])

    def share(self, key: Key) -> bool:
        """Whether it is among those keys."""
        return _number_of(key) in self.keys


class Blocks:
    """Tells blocks of people who have a key in common, but for those of more than `most`, which it counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: set[int] = set()
        self._too_many: dict[int, TooMany] = {}
        self._silent: set[int] = set()

    def among(self, entries: Iterable[int]) -> Iterator[Sequence[int]]:
        """Those of entries in their order, of which a key's are all there: people's numbers in their order.

        A block whose people were told for another key is not told again: who writes one email in two ways has some
        twenty keys in common.
        """
        for key, people in _blocks(entries):
            same = hash(tuple(people))
            if len(people) > self._most:
                self._too_many.setdefault(same, TooMany(people[0], len(people))).keys.append(key)
                self._silent.add(key)
            elif same not in self._told:
                self._told.add(same)
                yield people

    @property
    def too_many(self) -> Iterable[TooMany]:
        """Of the blocks that were left out, those of the same people once."""
        return self._too_many.values()

    def tells(self, key: Key) -> bool:
        """Whether few enough have it, of all entries that were looked at."""
        return _number_of(key) not in self._silent


def _blocks(entries: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    previous, people = -1, list[int]()
    for entry in entries:
        # Most keys are one person's alone, so nothing is made for those.
        if entry ^ previous <= _PERSON and previous >= 0:
            if not people:
                people = [previous & _PERSON]
            people.append(entry & _PERSON)
        elif people:
            yield previous >> PERSON_BITS, people
            people = []
        previous = entry
    if people:
        yield previous >> PERSON_BITS, people
