"""Notes are about a contact or a conversation, which no foreign key can say."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.note import Note
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.tables import Contacts, Conversations
from hullo_stores.write_conflict import WriteConflict


class NoteStatements:
    """Compiled once, when the store is made."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.select_for_update(Contacts.id)
        self.conversations = compiler.select_for_update(Conversations.id)


def require_subjects(transaction: Transaction, statements: NoteStatements, notes: Sequence[Note]) -> None:
    """Raises `Refused` where what a note is about is gone. Until the transaction ends, it stays (P2)."""
    missing = {note.subject_id for note in notes}
    for statement in (statements.contacts, statements.conversations):
        for text, values in statement.bind(sorted(missing)):
            missing -= {subject_id for (subject_id,) in transaction.rows(text, values)}
    if missing:
        raise WriteConflict("note")
