"""Locks on the contacts of a group of change sets, before its first write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hullo.model.change_set import ChangeSet
from hullo.model.contact import ContactId
from hullo_stores.peewee.compiler import ListStatement
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.merging import with_absorbed
from hullo_stores.references import newly_referenced_contacts


def lock_contacts(
    transaction: Transaction, lock: ListStatement | None, absorbed_by: ListStatement, group: Sequence[ChangeSet]
) -> None:
    """Lock every stored contact that the group writes, in the order of the keys.

    `lock` None: a writer has the whole database.
    """
    if lock is None:
        return
    wanted = {contact_id for changes in group for contact_id in _contacts_of(changes)}
    # Race: one that is absorbed after this look changes the version of the contact, and the erasure is a conflict.
    for changes in group:
        for erasure in changes.erasures:
            wanted.update(with_absorbed(transaction, absorbed_by, [erasure.contact.id]))
    for text, values in lock.bind(sorted(wanted)):
        transaction.rows(text, values)


def releases_identifier(changes: ChangeSet) -> bool:
    """Return whether a contact gives up an identifier."""
    return any(
        change.before is not None
        and (change.before.identifiers != change.after.identifiers or change.before.also != change.after.also)
        and change.before.identifier_digests().keys() - change.after.identifier_digests().keys()
        for change in changes.contacts
    )


def is_out_of_order(group: Sequence[ChangeSet]) -> bool:
    """Return whether the group would lock contacts in another order than that of their keys."""
    # An identifier is locked before the contact that gives it up, and after one that is erased with it.
    if any(
        changes.audit_entries or changes.erasures or len(changes.contacts) > 1 or releases_identifier(changes)
        for changes in group
    ):
        return True
    # Contacts that are only pointed at are locked after all those that are written.
    is_written = any(change.before is not None for changes in group for change in changes.contacts)
    return is_written and any(True for changes in group for _ in newly_referenced_contacts(changes))


def _contacts_of(changes: ChangeSet) -> Iterator[ContactId]:
    yield from (change.after.id for change in changes.contacts if change.before is not None)
    yield from newly_referenced_contacts(changes)
    yield from (erasure.contact.id for erasure in changes.erasures)
    for absorption in changes.absorptions:
        yield from (absorption.survivor_id, absorption.absorbed_id)
    for separation in changes.splits:
        yield from (separation.survivor_id, separation.absorbed_id)
    yield from (confirmation.survivor_id for confirmation in changes.join_confirmations)
