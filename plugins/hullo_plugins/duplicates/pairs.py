"""Contacts that have a key in common are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from hullo.plugin import ContactId, SnapshotQuery, Store
from hullo_plugins.duplicates.compare import DuplicateSuggestion, KeyFilter, compare

BATCH_SIZE: Final = 200

Pair = tuple[ContactId, ContactId]


def compare_pairs(
    store: Store, workspace_id: str, pairs: Iterable[Pair], is_informative: KeyFilter
) -> Iterator[DuplicateSuggestion]:
    """What comes of those whose contacts are there still, as they are now, and of whom nobody was told already.

    A pair with a conflict that settles is one somebody will look at anyway, or has kept apart (C7).
    """
    left = iter(pairs)
    while some := [*islice(left, BATCH_SIZE)]:
        # A query for each pair: one for all of them would ask after the conflicts of every two of all.
        queries = [SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=pair) for pair in some]
        for snapshot in store.load(queries):
            there = [contact for contact in snapshot.contacts.values() if contact.merged_into is None]
            if len(there) == 2 and not snapshot.reported_pairs:
                one, other = there
                suggestion = compare(one, other, is_informative)
                if suggestion is not None:
                    yield suggestion
