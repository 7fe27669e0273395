"""Which contacts a change set newly points at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hullo.model.change_set import Change, ChangeSet
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session


def newly_referenced_contacts(changes: ChangeSet) -> Iterator[ContactId]:
    """Yield contacts that get sessions or conversations from this change set but are not written by it.

    Each must still be unmerged when the change set is applied: a merge moves what the contact had before, but would
    miss what arrives during the merge. Old references need no check: the merge changes their version.
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
