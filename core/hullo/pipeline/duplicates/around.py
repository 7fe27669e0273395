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

from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL, Identifier
from hullo.pipeline.duplicates.comparing import Suggestion
from hullo.pipeline.duplicates.finding import MOST
from hullo.pipeline.duplicates.pairs import compared_pairs
from hullo.pipeline.duplicates.spellings import spellings_of
from hullo.pipeline.duplicates.traits import Key, emails_of, keys_of, traits_of
from hullo.store.protocol import ContactFilter, PageRequest, SnapshotQuery, Store
from hullo.store.reading import AT_ONCE

MOST_VALUES: Final = 3
"""How many emails and how many phones of the contact are looked up."""


def duplicates_of(store: Store, contact: Contact) -> tuple[Suggestion, ...]:
    """The likeliest first. Writes nothing."""
    others = {each.id: each for each in (*_spelled_like(store, contact), *_searched(store, contact))}
    others.pop(contact.id, None)
    ours, theirs = keys_of(contact), {each.id: keys_of(each) for each in others.values()}
    shared: Counter[Key] = Counter(key for keys in theirs.values() for key in keys & ours)
    pairs = ((contact.id, other_id) for other_id, keys in theirs.items() if keys & ours)
    found = compared_pairs(store, contact.workspace_id, pairs, lambda key: shared[key] < MOST)
    return tuple(sorted(found, key=lambda each: (-each.score, each.first.id, each.second.id)))


def _spelled_like(store: Store, contact: Contact) -> Iterator[Contact]:
    spellings = (each for email in emails_of(contact)[:MOST_VALUES] for each in spellings_of(email))
    digests = iter({Identifier(EMAIL, each).digest(contact.workspace_id): None for each in spellings})
    queries: list[SnapshotQuery] = []
    # Of few each: a query asks after the conflicts of every two whom it finds.
    while some := tuple(islice(digests, AT_ONCE)):
        queries.append(SnapshotQuery(workspace_id=contact.workspace_id, app_id=None, identifiers=some))
    for snapshot in store.load(queries) if queries else ():
        yield from snapshot.contacts.values()


def _searched(store: Store, contact: Contact) -> Iterator[Contact]:
    for text in _texts(contact):
        wanted = ContactFilter(workspace_id=contact.workspace_id, query=text)
        yield from store.list_contacts(wanted, PageRequest(limit=AT_ONCE)).items


def _texts(contact: Contact) -> Iterable[str]:
    traits = traits_of(contact)
    yield from traits.phones[:MOST_VALUES]
    if traits.person is not None:
        yield str(contact.profile["name"].value)
