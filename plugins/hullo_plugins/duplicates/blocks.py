"""Who has a key in common: keys as numbers, and blocks of people among those in their order."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import field

from hullo.plugin import ContactId, Value
from hullo_plugins.duplicates.features import BlockingKey

CONTACT_BITS: Final = 28
"""Of an entry's 64; the 36 before them are of a key. So there may be 268 million people, and of a million some thousand
pairs are compared whose keys only look the same."""
_PERSON: Final = (1 << CONTACT_BITS) - 1
_KEY: Final = (1 << 64 - CONTACT_BITS) - 1

ENTRY_LIMIT: Final = 1 << 64
"""Every entry is below."""


def encode_entry(key: BlockingKey, number: int) -> int:
    """That somebody, by their number, has this key. In the order of entries those with one key stand together.

    Python's own hash, as it is quick, and another in each process: what lies in a temporary file tells nobody a phone.
    """
    return _key_hash(key) << CONTACT_BITS | number


def _key_hash(key: BlockingKey) -> int:
    return hash(key) & _KEY


class ContactNumbers:
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


class OversizedBlock(Value, kw_only=False):
    """People with more than one key in common, or just one."""

    example: int
    """Any of them."""
    count: int
    keys: list[int] = field(default_factory=list[int])

    def has_key(self, key: BlockingKey) -> bool:
        """Whether it is among those keys."""
        return _key_hash(key) in self.keys


class BlockFilter:
    """Tells blocks of people who have a key in common, but for those of more than `most`, which it counts."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._seen: set[int] = set()
        self._oversized: dict[int, OversizedBlock] = {}
        self._uninformative: set[int] = set()

    def iter_blocks(self, sorted_entries: Iterable[int]) -> Iterator[Sequence[int]]:
        """Those of entries in their order, of which a key's are all there: people's numbers in their order.

        A block whose people were told for another key is not told again: who writes one email in two ways has some
        twenty keys in common.
        """
        for key, people in _group_by_key(sorted_entries):
            same = hash(tuple(people))
            if len(people) > self._max_size:
                self._oversized.setdefault(same, OversizedBlock(people[0], len(people))).keys.append(key)
                self._uninformative.add(key)
            elif same not in self._seen:
                self._seen.add(same)
                yield people

    @property
    def oversized(self) -> Iterable[OversizedBlock]:
        """Of the blocks that were left out, those of the same people once."""
        return self._oversized.values()

    def is_informative(self, key: BlockingKey) -> bool:
        """Whether few enough have it, of all entries that were looked at."""
        return _key_hash(key) not in self._uninformative


def _group_by_key(entries: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    previous, people = -1, list[int]()
    for entry in entries:
        # Most keys are one person's alone, so nothing is made for those.
        if entry ^ previous <= _PERSON and previous >= 0:
            if not people:
                people = [previous & _PERSON]
            people.append(entry & _PERSON)
        elif people:
            yield previous >> CONTACT_BITS, people
            people = []
        previous = entry
    if people:
        yield previous >> CONTACT_BITS, people
