"""What points at contacts, and must not point at one that has become part of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hullo.model.change_set import Change, ChangeSet
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session


def newly_referenced_contacts(changes: ChangeSet) -> Iterator[ContactId]:
    """Contacts that sessions and conversations are given to, and that the change set does not write itself.

    Those that had their sessions and conversations before are no matter: a merge moves these, after which they are not
    what they were. What is new would be left behind.
    """
    written = {change.after.id for change in changes.contacts}
    for contact_id in (*_new_owners(changes.sessions), *_new_owners(changes.conversations)):
        if contact_id not in written:
            yield contact_id


def _new_owners(changes: Iterable[Change[Session]] | Iterable[Change[Conversation]]) -> Iterator[ContactId]:
    for change in changes:
        owner = change.after.contact_id
        if owner is not None and (change.before is None or change.before.contact_id != owner):
            yield owner
