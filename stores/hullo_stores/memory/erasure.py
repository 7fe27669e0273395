"""Erases contacts with everything that is about them (P2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.change_set import Erasure
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session
from hullo_stores.memory.tables import Journal, Tables, with_absorbed
from hullo_stores.write_conflict import WriteConflict

ANONYMISED_VISITOR = ""

V = TypeVar("V")


def erase(tables: Tables, journal: Journal, erasure: Erasure) -> None:
    """Erase a contact and those it absorbed. Raises `WriteConflict` if the contact has changed. See `Erasure`."""
    stored = tables.contacts.get(erasure.contact.id)
    if stored is None or stored.version != erasure.contact.version:
        raise WriteConflict("contact")
    for contact_id in with_absorbed(tables, stored.id):
        _erase_one(tables, journal, contact_id, erasure)


def forget_conversation(tables: Tables, journal: Journal, conversation: Conversation) -> None:
    """Delete a conversation with its messages, its notes and the record that a merge moved it."""
    _unlink_from_visitor(tables, journal, conversation)
    for message in [held for held in tables.messages.values() if held.conversation_id == conversation.id]:
        journal.drop(tables.messages, message.id)
        if message.repeat_key is not None:
            journal.drop(tables.repeat_keys, message.repeat_key)
    _drop_where(journal, tables.notes, lambda note: note.subject_id == conversation.id)
    for merge_id, moved in tuple(tables.moved.items()):
        if conversation.id in moved.conversations:
            rest = replace(moved, conversations=moved.conversations - {conversation.id})
            journal.put(tables.moved, merge_id, rest)
    journal.drop(tables.conversations, conversation.id)


def _erase_one(tables: Tables, journal: Journal, contact_id: ContactId, erasure: Erasure) -> None:
    for session in [held for held in tables.sessions.values() if held.contact_id == contact_id]:
        after = _stripped(session, erasure)
        journal.put(tables.sessions, session.digest, replace(after, version=session.version + 1))
    for conversation in [held for held in tables.conversations.values() if held.contact_id == contact_id]:
        if erasure.conversations == "anonymise":
            _anonymise(tables, journal, conversation)
        else:
            forget_conversation(tables, journal, conversation)
    _drop_contact(tables, journal, contact_id)


def forget_contact(tables: Tables, journal: Journal, contact_id: ContactId) -> None:
    """Delete a contact that has no conversation and has absorbed no other. Its sessions lose it (H4)."""
    for session in [held for held in tables.sessions.values() if held.contact_id == contact_id]:
        journal.put(tables.sessions, session.digest, replace(session.without_contact(), version=session.version + 1))
    _drop_contact(tables, journal, contact_id)


def _drop_contact(tables: Tables, journal: Journal, contact_id: ContactId) -> None:
    for conflict in tuple(tables.conflicts.values()):
        if contact_id in (conflict.contact_id, conflict.other_id):
            journal.drop(tables.conflicts, conflict.id)
            if tables.open_pairs.get(conflict.pair_key) == conflict.id:
                journal.drop(tables.open_pairs, conflict.pair_key)
    for merge in tuple(tables.merges.values()):
        if contact_id in (merge.survivor_id, merge.absorbed_id):
            journal.drop(tables.merges, merge.id)
            journal.drop(tables.moved, merge.id)
    _drop_where(journal, tables.decisions, lambda held: held.contact_id == contact_id)
    _drop_where(journal, tables.timeline, lambda held: held.contact_id == contact_id)
    _drop_where(journal, tables.notes, lambda held: held.subject_id == contact_id)
    _drop_where(journal, tables.identifiers, lambda owner: owner == contact_id)
    journal.drop(tables.contacts, contact_id)


def _stripped(session: Session, erasure: Erasure) -> Session:
    """Return the session without its contact: ended, or still valid where it only claimed to be this person (H4)."""
    if session.revoked_at is None and not session.is_proven:
        return session.without_contact().with_redacted_claims(erasure.salt)
    revoked = session.revoked_at if session.revoked_at is not None else erasure.at
    return replace(
        session,
        contact_id=None,
        standing=None,
        claimed_identifiers={},
        proven_identifiers=(),
        revoked_at=revoked,
        block=None,
    )


def _anonymise(tables: Tables, journal: Journal, conversation: Conversation) -> None:
    _unlink_from_visitor(tables, journal, conversation)
    anonymous = replace(conversation, contact_id=None, link_standing=None, visitor_id=ANONYMISED_VISITOR)
    journal.put(tables.conversations, conversation.id, replace(anonymous, version=conversation.version + 1))


def _unlink_from_visitor(tables: Tables, journal: Journal, conversation: Conversation) -> None:
    held = tables.visitor_conversations.get(conversation.visitor_id, ())
    rest = tuple(other for other in held if other != conversation.id)
    journal.put(tables.visitor_conversations, conversation.visitor_id, rest)


def _drop_where(journal: Journal, table: dict[str, V], matches: Callable[[V], bool]) -> None:
    for key in [key for key, held in table.items() if matches(held)]:
        journal.drop(table, key)
