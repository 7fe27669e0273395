"""Find the duplicates of a whole workspace, in time that grows with the number of contacts and not with its square.

The search reads contacts once, page by page, and keeps only their ids, and their blocking keys as numbers in a
temporary file. Then it loads and compares the contacts that share a key. A value that very many contacts share (the
phone of a switchboard, `test@`) is no evidence for any two of them: the search compares no contacts for it, and reports
the value and the number of contacts.
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
"""The highest number of contacts that share a key and are still compared for it."""


class CommonValue(Value):
    """A value that too many contacts share to be evidence for any two of them."""

    kind: FeatureKind
    value: str
    contact_count: int


class DuplicateSearch(Value):
    """The result of a search.

    `suggestions` is lazy and can be read once, in the order in which the store lists contacts.
    """

    contact_count: int
    """The number of contacts read."""
    common_values: tuple[CommonValue, ...]
    """The values that most contacts share come first."""
    suggestions: Iterator[DuplicateSuggestion]


def find_duplicates(
    store: Store,
    workspace: Workspace,
    progress: Progress = no_progress,
    *,
    max_block_size: int = MAX_BLOCK_SIZE,
    page_size: int = PAGE_SIZE,
) -> DuplicateSearch:
    """Find pairs of contacts of a workspace that may be one person, each pair once. Writes nothing to the store.

    `max_block_size` is as `MAX_BLOCK_SIZE`, and `page_size` is the number of contacts that one query reads. The search
    may miss contacts that are created or changed meanwhile; a suggestion is true when it is yielded. Raises `OSError`
    where the temporary folder is full.
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
    """Yield every pair once, even if it is in several blocks."""
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
    """Load the shared value of every block from its example contact. Leaves out values that have changed meanwhile."""
    crowds: list[CommonValue] = []
    while some := [*islice(too_many, PAGE_SIZE)]:
        ids = [people[block.example] for block in some]
        queries = [SnapshotQuery(workspace_id=home.id, app_id=None, contacts=(contact_id,)) for contact_id in ids]
        for block, snapshot in zip(some, store.load(queries), strict=True):
            shared = (key for contact in snapshot.contacts.values() for key in blocking_keys(contact))
            # The longest text: an email and not its deletions, which are keys too. Never a phone that is not E.164.
            keys = [key for key in shared if block.has_key(key) and (key[0] != "phone" or is_e164(key[1]))]
            if keys:
                kind, text = max(keys, key=lambda key: (len(key[1]), key))
                crowds.append(CommonValue(kind=kind, value=text, contact_count=block.count))
    return tuple(sorted(crowds, key=lambda crowd: (-crowd.contact_count, crowd.kind, crowd.value)))
