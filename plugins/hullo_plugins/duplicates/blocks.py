"""Find contacts that share a blocking key: encode keys as sortable numbers, and group sorted numbers into blocks."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import field

from hullo.plugin import ContactId, Value
from hullo_plugins.duplicates.features import BlockingKey

CONTACT_BITS: Final = 28
"""The low bits of a 64-bit entry, which hold the number of a contact; the 36 high bits hold the hash of its key.

This allows 268 million contacts. Among a million contacts, hash collisions cause some thousand needless comparisons.
"""
_PERSON: Final = (1 << CONTACT_BITS) - 1
_KEY: Final = (1 << 64 - CONTACT_BITS) - 1

ENTRY_LIMIT: Final = 1 << 64
"""The exclusive upper bound of entries."""


def encode_entry(key: BlockingKey, number: int) -> int:
    """Encode that the contact of this number has this key. Sorted entries of one key are adjacent.

    The hash is Python's own: it is fast, and its seed differs between processes, so the temporary file discloses no
    phone.
    """
    return _key_hash(key) << CONTACT_BITS | number


def _key_hash(key: BlockingKey) -> int:
    return hash(key) & _KEY


class ContactNumbers:
    """Maps numbers, from 0, to contact ids, in less than half the memory of a list of strings."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, contact_id: ContactId) -> None:
        """Give the next number to a contact."""
        self._ids += contact_id.encode()
        self._ends.append(len(self._ids))

    def __getitem__(self, number: int) -> ContactId:
        start = self._ends[number - 1] if number else 0
        return self._ids[start : self._ends[number]].decode()


class OversizedBlock(Value, kw_only=False):
    """A block with too many contacts to compare, and the hashes of every key that exactly these contacts share."""

    example: int
    """The number of one contact of the block."""
    count: int
    """The number of contacts in the block."""
    keys: list[int] = field(default_factory=list[int])

    def has_key(self, key: BlockingKey) -> bool:
        """Return whether the contacts of the block share this key."""
        return _key_hash(key) in self.keys


class BlockFilter:
    """Yields blocks of contacts that share a key. Collects blocks of more than `max_size` contacts in `oversized`."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._seen: set[int] = set()
        self._oversized: dict[int, OversizedBlock] = {}
        self._uninformative: set[int] = set()

    def iter_blocks(self, sorted_entries: Iterable[int]) -> Iterator[Sequence[int]]:
        """Yield the blocks of sorted entries, as sorted contact numbers. All entries of a key must be in one call.

        A block with the same contacts as an earlier one is skipped: two spellings of one email share some twenty keys.
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
        """Return the blocks that were left out; keys of the same contacts count as one block."""
        return self._oversized.values()

    def is_informative(self, key: BlockingKey) -> bool:
        """Return whether at most `max_size` contacts have this key, among the entries read so far."""
        return _key_hash(key) not in self._uninformative


def _group_by_key(entries: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    previous, people = -1, list[int]()
    for entry in entries:
        # Most keys belong to one contact only, so no list is made for those.
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
