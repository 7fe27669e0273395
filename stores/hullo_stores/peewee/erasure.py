"""Forgets a contact with everything that is about it (P2)."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.change_set import Erasure
from hullo_stores.peewee.absorbed import select_keys, with_absorbed
from hullo_stores.peewee.compiler import ListStatement
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.statements import ErasureStatements
from hullo_stores.write_conflict import WriteConflict


def erase(transaction: Transaction, statements: ErasureStatements, erasure: Erasure) -> None:
    """Raises `Refused` when the contact is no longer what it was."""
    contact = erasure.contact
    if not transaction.execute(statements.lock_contact, (contact.id, contact.version)):
        raise WriteConflict("contact")
    doomed = with_absorbed(transaction, statements.absorbed_by, contact.id)
    _run(transaction, statements.revoke_sessions, doomed, erasure.at)
    if erasure.conversations == "anonymise":
        _run(transaction, statements.anonymise_conversations, doomed)
    else:
        conversations = select_keys(transaction, statements.conversations_of, doomed)
        _run(transaction, statements.erase_messages, conversations)
        _run(transaction, statements.erase_notes, conversations)
        _run(transaction, statements.erase_conversations, doomed)
    for find in (statements.merges_into, statements.merges_of):
        merges = select_keys(transaction, find, doomed)
        _run(transaction, statements.erase_moved, merges)
        _run(transaction, statements.erase_merges, merges)
    for statement in (
        statements.erase_timeline,
        statements.erase_notes,
        statements.erase_decisions,
        statements.erase_conflicts,
        statements.erase_other_conflicts,
        statements.erase_blocks,
        statements.erase_tags,
        statements.erase_identifiers,
        statements.erase_contacts,
    ):
        _run(transaction, statement, doomed)


def _run(transaction: Transaction, statement: ListStatement, values: Sequence[str], *first: object) -> None:
    for text, bound in statement.bind(values, *first):
        transaction.execute(text, bound)
