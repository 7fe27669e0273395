"""Erases a contact with everything that is about it (P2)."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence

from peewee import SQL, fn

from hullo.model.change_set import Change, ChangeSet, Erasure, replacement
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo_stores.peewee.compiler import Compiler, ListStatement, parameter
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.merging import select_keys, with_absorbed
from hullo_stores.peewee.rows.contacts import session_of
from hullo_stores.peewee.search.grams import gram_numbers
from hullo_stores.peewee.tables import (
    Conflicts,
    Contacts,
    ContactSearch,
    Conversations,
    CustomData,
    Decisions,
    Identifiers,
    Merges,
    Messages,
    Moved,
    Notes,
    Sessions,
    Tags,
    Timeline,
)
from hullo_stores.peewee.write_plan import DROP_GRAM, DROP_SEARCH_TEXT, SESSIONS
from hullo_stores.peewee.writes import Batch
from hullo_stores.write_conflict import WriteConflict


class ErasureStatements:
    """Statements about a list of contacts: the one to erase and those it absorbed."""

    def __init__(self, compiler: Compiler) -> None:
        self.lock_contact = compiler.compile(
            Contacts.update({Contacts.version: Contacts.version + SQL("1")}).where(
                Contacts.id == parameter("id"), Contacts.version == parameter("version")
            ),
            "id",
            "version",
        )
        self.absorbed_by = compiler.select_by(Contacts.merged_into, Contacts.id)
        self.sessions_of = compiler.select_by(Sessions.contact_id)
        self.revoke_sessions = compiler.list_statement(
            lambda ids: Sessions.update(
                {
                    Sessions.contact_id: SQL("NULL"),
                    Sessions.standing: SQL("NULL"),
                    Sessions.claimed: SQL("'{}'"),
                    Sessions.proved: SQL("'[]'"),
                    Sessions.block: SQL("NULL"),
                    Sessions.revoked_at: fn.COALESCE(Sessions.revoked_at, parameter("at")),
                    Sessions.version: Sessions.version + SQL("1"),
                }
            ).where(Sessions.contact_id.in_(ids)),
            "at",
        )
        # As `Session.without_contact`.
        self.leave_sessions = compiler.list_statement(
            lambda ids: Sessions.update(
                {
                    Sessions.contact_id: SQL("NULL"),
                    Sessions.standing: SQL(str(int(Standing.CLAIMED))),
                    Sessions.proved: SQL("'[]'"),
                    Sessions.version: Sessions.version + SQL("1"),
                }
            ).where(Sessions.contact_id.in_(ids))
        )
        self.anonymise_conversations = compiler.list_statement(
            lambda ids: Conversations.update(
                {
                    Conversations.visitor_id: SQL("''"),
                    Conversations.contact_id: SQL("NULL"),
                    Conversations.link_standing: SQL("NULL"),
                    Conversations.version: Conversations.version + SQL("1"),
                }
            ).where(Conversations.contact_id.in_(ids))
        )
        # Not a subquery of the next statement: MariaDB would scan every message.
        self.conversations_of = compiler.select_by(Conversations.contact_id, Conversations.id)
        self.erase_messages = compiler.delete_by(Messages.conversation_id)
        self.erase_conversations = compiler.delete_by(Conversations.contact_id)
        self.erase_decisions = compiler.delete_by(Decisions.contact_id)
        self.erase_conflicts = compiler.delete_by(Conflicts.contact_id)
        self.erase_other_conflicts = compiler.delete_by(Conflicts.other_id)
        self.erase_timeline = compiler.delete_by(Timeline.contact_id)
        self.erase_notes = compiler.delete_by(Notes.subject_id)
        self.merges_into = compiler.select_by(Merges.survivor_id, Merges.id)
        self.merges_of = compiler.select_by(Merges.absorbed_id, Merges.id)
        self.erase_moved = compiler.delete_by(Moved.merge_id)
        self.erase_merges = compiler.delete_by(Merges.id)
        self.erase_tags = compiler.delete_by(Tags.contact_id)
        self.erase_blocks = compiler.delete_by(CustomData.contact_id)
        self.erase_identifiers = compiler.delete_by(Identifiers.contact_id)
        self.erase_contacts = compiler.delete_by(Contacts.id)
        self.workspaces_of = compiler.select_by(Contacts.id, Contacts.workspace_id, Contacts.id)
        self.search_text = compiler.compile(
            ContactSearch.select(ContactSearch.text).where(
                ContactSearch.workspace_id == parameter("workspace"), ContactSearch.contact_id == parameter("contact")
            ),
            "workspace",
            "contact",
        )


def erase(transaction: Transaction, statements: ErasureStatements, erasure: Erasure) -> None:
    """Erase a contact and those it absorbed. Raises `WriteConflict` if the contact has changed. See `Erasure`."""
    contact = erasure.contact
    # The update locks the row first: rows that reference the contact cannot be added from here on (foreign keys).
    if not transaction.execute(statements.lock_contact, (contact.id, contact.version)):
        raise WriteConflict("contact")
    doomed = with_absorbed(transaction, statements.absorbed_by, [contact.id])
    _leave_sessions(transaction, statements, doomed, erasure.salt)
    _run(transaction, statements.revoke_sessions, doomed, erasure.at)
    if erasure.conversations == "anonymise":
        _run(transaction, statements.anonymise_conversations, doomed)
    else:
        conversations = select_keys(transaction, statements.conversations_of, doomed)
        _run(transaction, statements.erase_messages, conversations)
        _run(transaction, statements.erase_notes, conversations)
        _run(transaction, statements.erase_conversations, doomed)
    _drop_contacts(transaction, statements, doomed)


def forget_contacts(transaction: Transaction, statements: ErasureStatements, ids: Sequence[str]) -> None:
    """Delete contacts that have no conversation and have absorbed no other. The caller has locked their rows.

    Their sessions lose the contact, and their visitors learn nothing (H4). Raises `WriteConflict` where a row points at
    one by now.
    """
    _run(transaction, statements.leave_sessions, ids)
    _drop_contacts(transaction, statements, ids)


def _drop_contacts(transaction: Transaction, statements: ErasureStatements, doomed: Sequence[str]) -> None:
    for find in (statements.merges_into, statements.merges_of):
        merges = select_keys(transaction, find, doomed)
        _run(transaction, statements.erase_moved, merges)
        _run(transaction, statements.erase_merges, merges)
    _drop_search_texts(transaction, statements, doomed)
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


def _leave_sessions(transaction: Transaction, statements: ErasureStatements, doomed: Sequence[str], salt: str) -> None:
    """Take the contact from sessions that only claimed it, and redact their claims (H4).

    Compared by version: a session that was changed since it was read makes the erasure a conflict.
    """
    left: list[Change[Session]] = []
    for text, bound in statements.sessions_of.bind(doomed):
        for session in map(session_of, transaction.rows(text, bound)):
            if session.revoked_at is None and not session.is_proven:
                left.append(replacement(session, session.without_contact().with_redacted_claims(salt)))
    if left:
        rows = [row for _, row in SESSIONS.rows(ChangeSet(sessions=tuple(left)))]
        # Sorted: two transactions that write the same rows lock them in the same order.
        transaction.write([Batch(SESSIONS.replace, sorted(rows, key=SESSIONS.replace.key_of))])


def _drop_search_texts(transaction: Transaction, statements: ErasureStatements, doomed: Sequence[str]) -> None:
    """Delete what searches read of the contacts. Their trigrams, where those are rows, are found by the texts: an index
    by contact would double the table of trigrams."""
    owners = [row for text, bound in statements.workspaces_of.bind(doomed) for row in transaction.rows(text, bound)]
    if not owners:
        return
    batches = [Batch(DROP_SEARCH_TEXT, sorted(owners))]
    if transaction.rows("SELECT 1 FROM contact_gram LIMIT 1"):
        grams = [
            (gram, owner[1])
            for owner in owners
            for (text,) in transaction.rows(statements.search_text, owner)
            for gram in gram_numbers(text)
        ]
        batches += [Batch(DROP_GRAM, sorted(grams))] if grams else []
    transaction.write(batches)


def _run(transaction: Transaction, statement: ListStatement, values: Sequence[str], *first: object) -> None:
    for text, bound in statement.bind(values, *first):
        transaction.execute(text, bound)
