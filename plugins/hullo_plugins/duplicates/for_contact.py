"""Who may be the person that one contact is: found through what a store can look up, and compared as all are.

Emails in every spelling that is likely are looked up by their digests. Phones and names are searched for as they are
written, the newest first and no further than a page. So it costs a few searches, and misses some whom `find_duplicates`
finds as it reads everybody: a name that is written otherwise, a tag that nobody could guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from hullo.plugin import EMAIL, PAGE_SIZE, Contact, ContactFilter, Identifier, PageRequest, SnapshotQuery, Store
from hullo_plugins.duplicates.compare import DuplicateSuggestion
from hullo_plugins.duplicates.features import BlockingKey, blocking_keys, contact_emails, extract_features
from hullo_plugins.duplicates.pairs import compare_pairs
from hullo_plugins.duplicates.search import MAX_BLOCK_SIZE
from hullo_plugins.duplicates.spellings import email_variants

MAX_VALUES: Final = 3
"""How many emails and how many phones of the contact are looked up."""


def find_duplicates_of(store: Store, contact: Contact) -> tuple[DuplicateSuggestion, ...]:
    """The likeliest first. Writes nothing."""
    others = {
        each.id: each for each in (*_contacts_by_email_variant(store, contact), *_contacts_by_search(store, contact))
    }
    others.pop(contact.id, None)
    ours, theirs = blocking_keys(contact), {each.id: blocking_keys(each) for each in others.values()}
    shared: Counter[BlockingKey] = Counter(key for keys in theirs.values() for key in keys & ours)
    pairs = ((contact.id, other_id) for other_id, keys in theirs.items() if keys & ours)
    found = compare_pairs(store, contact.workspace_id, pairs, lambda key: shared[key] < MAX_BLOCK_SIZE)
    return tuple(sorted(found, key=lambda each: (-each.score, each.first.id, each.second.id)))


def _contacts_by_email_variant(store: Store, contact: Contact) -> Iterator[Contact]:
    spellings = (each for email in contact_emails(contact)[:MAX_VALUES] for each in email_variants(email))
    digests = iter({Identifier(EMAIL, each).digest(contact.workspace_id): None for each in spellings})
    queries: list[SnapshotQuery] = []
    # Of few each: a query asks after the conflicts of every two whom it finds.
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
