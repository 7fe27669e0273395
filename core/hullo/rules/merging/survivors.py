"""Protection of operations against contacts that were absorbed (G3)."""

from __future__ import annotations

from hullo.errors import Conflicting, NotFound
from hullo.model.contact import Contact, ContactId
from hullo.model.snapshot import Snapshot


def require_not_merged(snapshot: Snapshot, contact_id: ContactId) -> Contact:
    """Return the contact in the snapshot. Raises `NotFound`, and `Conflicting` for one that was absorbed after the
    caller looked up its survivor: a repeat finds the new one."""
    contact = snapshot.contacts.get(contact_id)
    # Erased, or of another workspace: one answer for both, so that ids cannot be probed.
    if contact is None:
        raise NotFound("no such contact")
    # The survivor was looked up before the snapshot, and a merge came in between: following it here would
    # decide on a contact that the snapshot has not loaded.
    if contact.merged_into is not None:
        raise Conflicting("this contact has become part of another meanwhile; try again")
    return contact
