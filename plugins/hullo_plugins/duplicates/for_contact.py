"""Find the duplicates of one contact through the lookups of the store.

Emails are looked up by the digests of their likely spellings. Phones and names are searched for as written, the newest
contacts first and one page at most. This costs a few queries, and misses some duplicates that `find_duplicates` finds
because it reads all contacts: a name in another spelling, an email with an unknown tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from hullo.plugin import (
    EMAIL,
    PAGE_SIZE,
    VISIT,
    Contact,
    ContactFilter,
    ContactId,
    Identifier,
    PageRequest,
    SnapshotQuery,
    Store,
)
from hullo_plugins.duplicates.compare import DuplicateSuggestion
from hullo_plugins.duplicates.features import BlockingKey, blocking_keys, contact_emails, extract_features
from hullo_plugins.duplicates.pairs import compare_pairs
from hullo_plugins.duplicates.search import MAX_BLOCK_SIZE
from hullo_plugins.duplicates.spellings import email_variants

MAX_VALUES: Final = 3
"""The highest number of emails, and of phones, that are looked up for a contact."""


def find_duplicates_of(store: Store, contact: Contact) -> tuple[DuplicateSuggestion, ...]:
    """Find the duplicates of a contact, the likeliest first. Writes nothing."""
    others = {
        other.id: other for other in (*_contacts_by_email_variant(store, contact), *_contacts_by_search(store, contact))
    }
    others.pop(contact.id, None)
    ours, theirs = blocking_keys(contact), {other.id: blocking_keys(other) for other in others.values()}
    shared: Counter[BlockingKey] = Counter(key for keys in theirs.values() for key in keys & ours)
    visits = _contacts_of_same_browser(store, contact)
    pairs = [(contact.id, other_id) for other_id, keys in theirs.items() if keys & ours or other_id in visits]
    pairs += ((contact.id, other_id) for other_id in visits if other_id not in theirs)
    found = compare_pairs(store, contact.workspace_id, pairs, lambda key: shared[key] < MAX_BLOCK_SIZE, visits)
    return tuple(sorted(found, key=lambda pair: (-pair.score, pair.first.id, pair.second.id)))


def _contacts_of_same_browser(store: Store, contact: Contact) -> dict[ContactId, None]:
    """Find the contacts that a browser of this contact was before, or became, in the newest decisions (C5)."""
    records = store.list_decisions(contact.workspace_id, contact.id, PageRequest(limit=PAGE_SIZE)).items
    steps = (step for record in records for step in record.trace.steps if step.stage == VISIT)
    others = (step.contact_id for step in steps)
    return {other: None for other in others if other is not None and other != contact.id}


def _contacts_by_email_variant(store: Store, contact: Contact) -> Iterator[Contact]:
    spellings = (spelling for email in contact_emails(contact)[:MAX_VALUES] for spelling in email_variants(email))
    digests = iter({Identifier(EMAIL, spelling).digest(contact.workspace_id): None for spelling in spellings})
    queries: list[SnapshotQuery] = []
    # Many small queries: a query looks up the conflicts of every two contacts that it finds.
    while some := tuple(islice(digests, PAGE_SIZE)):
        queries.append(SnapshotQuery(workspace_id=contact.workspace_id, app_id=None, identifiers=some))
    for snapshot in store.load(queries) if queries else ():
        yield from snapshot.contacts.values()


def _contacts_by_search(store: Store, contact: Contact) -> Iterator[Contact]:
    for text in _search_texts(contact):
        wanted = ContactFilter(workspace_id=contact.workspace_id, query=text)
        yield from store.list_contacts(wanted, PageRequest(limit=PAGE_SIZE)).items


def _search_texts(contact: Contact) -> Iterable[str]:
    traits = extract_features(contact)
    yield from traits.phones[:MAX_VALUES]
    if traits.name_and_company is not None:
        yield str(contact.profile["name"].value)
