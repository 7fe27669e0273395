"""Forgets a contact with everything that is about it (P2)."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.change_set import Erasure
from hullo.model.contact import ContactId
from hullo_stores.peewee.compiler import Many
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.statements import ErasureStatements
from hullo_stores.refusal import Refused


def erase(transaction: Transaction, statements: ErasureStatements, erasure: Erasure) -> None:
    """Raises `Refused` when the contact is no longer what it was."""
    contact = erasure.contact
    if not transaction.run(statements.lock_contact, (contact.id, contact.version)):
        raise Refused("contact")
    doomed = _with_absorbed(transaction, statements, contact.id)
    _run(transaction, statements.revoke_sessions, doomed, erasure.at)
    if erasure.conversations == "anonymise":
        _run(transaction, statements.anonymise_conversations, doomed)
    else:
        conversations = [
            conversation_id
            for text, bound in statements.conversations_of.calls(doomed)
            for (conversation_id,) in transaction.rows(text, bound)
        ]
        _run(transaction, statements.erase_messages, conversations)
        _run(transaction, statements.erase_conversations, doomed)
    for statement in (
        statements.erase_decisions,
        statements.erase_conflicts,
        statements.erase_other_conflicts,
        statements.erase_blocks,
        statements.erase_identifiers,
        statements.erase_contacts,
    ):
        _run(transaction, statement, doomed)


def _with_absorbed(transaction: Transaction, statements: ErasureStatements, contact_id: ContactId) -> list[ContactId]:
    """The contact and all that were ever merged into it, through chains (G3)."""
    doomed = [contact_id]
    newest = doomed
    while newest:
        newest = [
            absorbed
            for text, bound in statements.absorbed_by.calls(newest)
            for (absorbed,) in transaction.rows(text, bound)
            if absorbed not in doomed
        ]
        doomed = [*doomed, *newest]
    return doomed


def _run(transaction: Transaction, statement: Many, values: Sequence[str], *first: object) -> None:
    for text, bound in statement.calls(values, *first):
        transaction.run(text, bound)
