"""Who somebody is by now: an absorbed contact answers as the one that it became part of (G3)."""

from __future__ import annotations

from hullo.errors import Conflicting, NotFound
from hullo.model.contact import Contact, ContactId
from hullo.store.protocol import ContactReads, Snapshot


def current_contact(store: ContactReads, workspace_id: str, contact_id: ContactId) -> Contact:
    """The contact with this id, or whoever absorbed it, through chains of any length. Raises `NotFound`.

    Somebody else may be absorbed the moment after: what is decided about the answer is decided by `unabsorbed`.
    """
    asked: set[ContactId] = set()
    contact = store.find_contact(workspace_id, contact_id)
    # A chain has no loop (G4); nobody would wait for ever if a database held one all the same.
    while contact is not None and contact.merged_into is not None and contact.id not in asked:
        asked.add(contact.id)
        contact = store.find_contact(workspace_id, contact.merged_into)
    if contact is None or contact.merged_into is not None:
        raise NotFound("no such contact")
    return contact


def require_not_merged(snapshot: Snapshot, contact_id: ContactId) -> Contact:
    """The contact as the snapshot has it. Raises `NotFound`, and `Conflicting` for one that was absorbed since whoever
    decides looked for its survivor: doing it again finds them."""
    contact = snapshot.contacts.get(contact_id)
    if contact is None:
        raise NotFound("no such contact")
    if contact.merged_into is not None:
        raise Conflicting("this contact has become part of another meanwhile; try again")
    return contact
