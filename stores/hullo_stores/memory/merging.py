"""Moves what points at a contact that is merged into another, and back again (rules G, L4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.change_set import Absorption, Split
from hullo.model.conflict import pair_key
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session
from hullo_stores.memory.tables import Journal, Moved, Tables

M = TypeVar("M", Session, Conversation)


def absorb(tables: Tables, journal: Journal, absorption: Absorption) -> None:
    """Move the absorbed contact's sessions and conversations to the survivor. See `Absorption`."""
    absorbed, survivor = absorption.absorbed_id, absorption.survivor_id
    sessions = frozenset(key for key, held in tables.sessions.items() if held.contact_id == absorbed)
    conversations = frozenset(key for key, held in tables.conversations.items() if held.contact_id == absorbed)
    journal.put(tables.moved, absorption.merge_id, Moved(sessions=sessions, conversations=conversations))
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
    journal.drop(tables.moved, separation.merge_id)


def _still_of(table: dict[str, M], keys: Iterable[str], contact_id: ContactId) -> list[str]:
    return [key for key in keys if key in table and table[key].contact_id == contact_id]


def _move(journal: Journal, table: dict[str, M], keys: Iterable[str], contact_id: ContactId) -> None:
    for key in keys:
        held = table[key]
        journal.put(table, key, replace(held, contact_id=contact_id, version=held.version + 1))
