"""Load and compare pairs of contacts that share a blocking key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final

from hullo.plugin import ContactId, SnapshotQuery, Store
from hullo_plugins.duplicates.compare import DuplicateSuggestion, KeyFilter, compare

BATCH_SIZE: Final = 200

Pair = tuple[ContactId, ContactId]


def compare_pairs(
    store: Store,
    workspace_id: str,
    pairs: Iterable[Pair],
    is_informative: KeyFilter,
    same_browser: Collection[ContactId] = (),
) -> Iterator[DuplicateSuggestion]:
    """Compare pairs as the store has them now, and yield the suggestions. `same_browser`: contacts that one browser was
    used by, and by the other one of their pair (C5).

    Skips a pair if one of its contacts is gone or merged, or if a conflict reports the pair: an agent will review that
    conflict anyway, or has kept the two contacts apart (C7).
    """
    left = iter(pairs)
    while some := [*islice(left, BATCH_SIZE)]:
        # One query for each pair: a single query would look up the conflicts of every two contacts of the batch.
        queries = [SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=pair) for pair in some]
        for snapshot in store.load(queries):
            there = [contact for contact in snapshot.contacts.values() if contact.merged_into is None]
            if len(there) == 2 and not snapshot.reported_pairs:
                one, other = there
                share_browser = one.id in same_browser or other.id in same_browser
                suggestion = compare(one, other, is_informative, share_browser=share_browser)
                if suggestion is not None:
                    yield suggestion
