"""Who somebody is by now: an absorbed contact answers as the one that it became part of (G3)."""

from __future__ import annotations

from hullo.errors import Conflicting, NotFound
from hullo.model.contact import Contact, ContactId
from hullo.model.snapshot import Snapshot


def require_not_merged(snapshot: Snapshot, contact_id: ContactId) -> Contact:
    """The contact as the snapshot has it. Raises `NotFound`, and `Conflicting` for one that was absorbed since whoever
    decides looked for its survivor: doing it again finds them."""
    contact = snapshot.contacts.get(contact_id)
    if contact is None:
        raise NotFound("no such contact")
    if contact.merged_into is not None:
        raise Conflicting("this contact has become part of another meanwhile; try again")
    return contact
