"""Moves what points at a contact that is merged into another, and back again (rules G, L4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.change_set import Absorption, JoinConfirmation, Split
from hullo.model.conflict import pair_key
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo_stores.memory.tables import Journal, Moved, Tables

M = TypeVar("M", Session, Conversation)


def absorb(tables: Tables, journal: Journal, absorption: Absorption) -> None:
    """Move the absorbed contact's sessions and conversations to the survivor. See `Absorption`."""
    absorbed, survivor = absorption.absorbed_id, absorption.survivor_id
    sessions = frozenset(key for key, held in tables.sessions.items() if held.contact_id == absorbed)
    conversations = frozenset(key for key, held in tables.conversations.items() if held.contact_id == absorbed)
    lowered = _lower(tables, journal, sessions, conversations) if absorption.is_joined else {}
    moved = Moved(sessions=sessions, conversations=conversations, lowered=lowered)
    journal.put(tables.moved, absorption.merge_id, moved)
    _move(journal, tables.sessions, sessions, survivor)
    _move(journal, tables.conversations, conversations, survivor)
    pair = pair_key(survivor, absorbed)
    conflict = tables.conflicts.get(tables.open_pairs.get(pair, ""))
    if conflict is not None and conflict.status == "open":
        resolved = replace(
            conflict,
            status="resolved",
            resolution="merge",
            resolved_at=absorption.at,
            resolved_by=absorption.by,
            version=conflict.version + 1,
        )
        journal.put(tables.conflicts, conflict.id, resolved)
        journal.drop(tables.open_pairs, pair)


def separate(tables: Tables, journal: Journal, separation: Split) -> None:
    """Move them back to the contact that the merge had absorbed. See `Split`."""
    moved = tables.moved.get(separation.merge_id)
    if moved is None:
        return
    survivor, absorbed, names = (
        separation.survivor_id,
        separation.absorbed_id,
        frozenset(separation.restored_identifiers),
    )
    _move(journal, tables.sessions, _still_of(tables.sessions, moved.sessions, survivor), absorbed)
    proving = [key for key, held in tables.sessions.items() if not names.isdisjoint(held.proven_identifiers)]
    _move(journal, tables.sessions, _still_of(tables.sessions, proving, survivor), absorbed)
    visitors = {held.visitor_id for held in tables.sessions.values() if held.contact_id == absorbed}
    theirs = [
        key
        for key, held in tables.conversations.items()
        if held.visitor_id in visitors and held.created_at >= separation.since
    ]
    came = {*moved.conversations, *theirs}
    _move(journal, tables.conversations, _still_of(tables.conversations, came, survivor), absorbed)
    if separation.is_joined:
        _raise(tables, journal, moved, absorbed)
    journal.drop(tables.moved, separation.merge_id)


def confirm_join(tables: Tables, journal: Journal, confirmation: JoinConfirmation) -> None:
    """Give sessions and links back the standing that the join took. See `JoinConfirmation`."""
    moved = tables.moved.get(confirmation.merge_id)
    if moved is None:
        return
    _raise(tables, journal, moved, confirmation.survivor_id)
    journal.put(tables.moved, confirmation.merge_id, replace(moved, lowered={}))


def _lower(
    tables: Tables, journal: Journal, sessions: Iterable[str], conversations: Iterable[str]
) -> dict[str, Standing]:
    lowered: dict[str, Standing] = {}
    for key in sessions:
        session = tables.sessions[key]
        if session.standing is not None and session.standing > Standing.CLAIMED:
            lowered[key] = session.standing
            journal.put(tables.sessions, key, replace(session, standing=Standing.CLAIMED))
    for key in conversations:
        conversation = tables.conversations[key]
        if conversation.link_standing is not None and conversation.link_standing > Standing.CLAIMED:
            lowered[key] = conversation.link_standing
            journal.put(tables.conversations, key, replace(conversation, link_standing=Standing.CLAIMED))
    return lowered


def _raise(tables: Tables, journal: Journal, moved: Moved, contact_id: ContactId) -> None:
    for key in _still_of(tables.sessions, moved.lowered, contact_id):
        session = tables.sessions[key]
        back = replace(session, standing=moved.lowered[key], version=session.version + 1)
        journal.put(tables.sessions, key, back)
    for key in _still_of(tables.conversations, moved.lowered, contact_id):
        conversation = tables.conversations[key]
        back_link = replace(conversation, link_standing=moved.lowered[key], version=conversation.version + 1)
        journal.put(tables.conversations, key, back_link)


def _still_of(table: dict[str, M], keys: Iterable[str], contact_id: ContactId) -> list[str]:
    return [key for key in keys if key in table and table[key].contact_id == contact_id]


def _move(journal: Journal, table: dict[str, M], keys: Iterable[str], contact_id: ContactId) -> None:
    for key in keys:
        held = table[key]
        journal.put(table, key, replace(held, contact_id=contact_id, version=held.version + 1))
