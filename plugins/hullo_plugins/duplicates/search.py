"""Everybody of a workspace who may be there twice, in time that grows with their number and not with its square.

Contacts are read once, page by page, and leave nothing behind but their ids and their keys, which are numbers in a
temporary file. Whoever has a key in common is then loaded and compared for real. What very many have in common (the
phone of a switchboard, `test@`) says nothing of any two of them: nobody is compared for it, and it is told how many
they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, groupby, islice
from typing import Final

from hullo.plugin import (
    PAGE_SIZE,
    Progress,
    SnapshotQuery,
    Store,
    Value,
    Workspace,
    is_e164,
    iter_contacts,
    no_progress,
)
from hullo_plugins.duplicates.blocks import ENTRY_LIMIT, BlockFilter, ContactNumbers, OversizedBlock, encode_entry
from hullo_plugins.duplicates.compare import DuplicateSuggestion
from hullo_plugins.duplicates.features import FeatureKind, blocking_keys
from hullo_plugins.duplicates.pairs import Pair, compare_pairs
from hullo_plugins.duplicates.spool import PARTITIONS, ExternalSorter

MAX_BLOCK_SIZE: Final = 50
"""How many may have something in common and still be compared for it."""


class CommonValue(Value):
    """So many have this in common that it says nothing of any two of them."""

    kind: FeatureKind
    value: str
    contact_count: int


class DuplicateSearch(Value):
    """`suggestions` are made while they are read, once, in the order in which the store lists contacts."""

    contact_count: int
    """How many were looked at."""
    common_values: tuple[CommonValue, ...]
    """The largest first."""
    suggestions: Iterator[DuplicateSuggestion]


def find_duplicates(
    store: Store,
    workspace: Workspace,
    progress: Progress = no_progress,
    *,
    max_block_size: int = MAX_BLOCK_SIZE,
    page_size: int = PAGE_SIZE,
) -> DuplicateSearch:
    """Pairs of a workspace's contacts that may be one person, each once. Writes nothing.

    `most` is as `MOST`, and `at_once` how many contacts are read at each look. Whoever comes or is changed meanwhile
    may be missed; what is suggested is so when it is told. Raises `OSError` where the temporary folder is full.
    """
    people, blocks = ContactNumbers(), BlockFilter(max_block_size)
    with closing(ExternalSorter(ENTRY_LIMIT)) as entries:
        _index_contacts(store, workspace, people, entries, progress, page_size)
        pairs = ExternalSorter(len(people) ** 2)
        for done, part in enumerate(entries.sorted_partitions()):
            for block in blocks.iter_blocks(part):
                pairs.add(one * len(people) + other for one, other in combinations(block, 2))
            progress("looking for what they have in common", done + 1, PARTITIONS)
    return DuplicateSearch(
        contact_count=len(people),
        common_values=_common_values(store, workspace, people, iter(blocks.oversized)),
        suggestions=compare_pairs(store, workspace.id, _unique_pairs(pairs, people, progress), blocks.is_informative),
    )


def _index_contacts(
    store: Store, home: Workspace, people: ContactNumbers, entries: ExternalSorter, progress: Progress, at_once: int
) -> None:
    for contact in iter_contacts(store, home, "reading contacts", progress, at_once):
        number = len(people)
        people.add(contact.id)
        entries.add({encode_entry(key, number) for key in blocking_keys(contact)})


def _unique_pairs(pairs: ExternalSorter, people: ContactNumbers, progress: Progress) -> Iterator[Pair]:
    """Pairs that are in several blocks, too."""
    done = 0
    with closing(pairs):
        for part in pairs.sorted_partitions():
            for pair, _ in groupby(part):
                one, other = divmod(pair, len(people))
                yield people[one], people[other]
            done += len(part)
            progress("comparing", done, pairs.count)


def _common_values(
    store: Store, home: Workspace, people: ContactNumbers, too_many: Iterator[OversizedBlock]
) -> tuple[CommonValue, ...]:
    """What they share, as one of them has it, unless that has changed meanwhile."""
    crowds: list[CommonValue] = []
    while some := [*islice(too_many, PAGE_SIZE)]:
        ids = [people[each.example] for each in some]
        queries = [SnapshotQuery(workspace_id=home.id, app_id=None, contacts=(contact_id,)) for contact_id in ids]
        for each, snapshot in zip(some, store.load(queries), strict=True):
            shared = (key for contact in snapshot.contacts.values() for key in blocking_keys(contact))
            # Of an email and what is one slip from that, the email; never a phone that is none.
            keys = [key for key in shared if each.has_key(key) and (key[0] != "phone" or is_e164(key[1]))]
            if keys:
                kind, text = max(keys, key=lambda key: (len(key[1]), key))
                crowds.append(CommonValue(kind=kind, value=text, contact_count=each.count))
    return tuple(sorted(crowds, key=lambda crowd: (-crowd.contact_count, crowd.kind, crowd.value)))
