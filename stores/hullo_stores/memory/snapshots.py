"""Takes one snapshot of the tables."""

from __future__ import annotations

from itertools import combinations

from msgspec.structs import replace

from hullo.model.audit import AuditHead
from hullo.model.conflict import pair_key
from hullo.model.contact import Contact
from hullo.model.merge import Merge, MergeId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import Session, SessionDigest
from hullo_stores.memory.tables import Tables


def take_snapshot(tables: Tables, query: SnapshotQuery) -> Snapshot:
    """Return what one query names and what that points at."""
    here = query.workspace_id
    app = tables.apps.get(query.app_id) if query.app_id is not None else None
    session, source = (_session(tables, digest, here) for digest in (query.session, query.source_session))
    owners = {digest: tables.identifiers.get(digest) for digest in query.identifiers}
    wanted = [
        *owners.values(),
        *query.contacts,
        *(known.contact_id for known in (session, source) if known is not None),
    ]
    contacts = {
        contact.id: _with_blocks_of(contact, query.app_id)
        for contact in (tables.contacts.get(contact_id) for contact_id in wanted if contact_id is not None)
        if contact is not None and contact.workspace_id == here
    }
    found = {digest: owner for digest, owner in owners.items() if owner is not None and owner in contacts}
    repeats = {key: tables.messages[tables.repeat_keys[key]] for key in query.repeat_keys if key in tables.repeat_keys}
    asked = [*query.conversations, *(message.conversation_id for message in repeats.values())]
    talks = tables.conversations
    if (query.include_orphans or query.include_own) and session is not None:
        own = tables.visitor_conversations.get(session.visitor_id, ())
        asked += [talk_id for talk_id in own if query.include_own or talks[talk_id].contact_id is None]
    pairs = frozenset(pair_key(*pair) for pair in combinations(contacts, 2)) & tables.open_pairs.keys()
    return Snapshot(
        app_version=app.version if app is not None and app.workspace_id == here else None,
        session=session,
        contact_ids=found,
        contacts=contacts,
        conversations={
            talk_id: talks[talk_id] for talk_id in asked if talk_id in talks and talks[talk_id].workspace_id == here
        },
        reported_pairs=pairs,
        kept_pairs=frozenset(
            pair for pair in pairs if tables.conflicts[tables.open_pairs[pair]].resolution is not None
        ),
        messages={
            key: message
            for key, message in repeats.items()
            if tables.conversations[message.conversation_id].workspace_id == here
        },
        stored_response=tables.answers.get(query.stored_response_digest)
        if query.stored_response_digest is not None
        else None,
        source_session=source,
        spent=frozenset(query.spent).intersection(tables.spent),
        conflicts={
            conflict_id: conflict
            for conflict_id in query.conflicts
            if (conflict := tables.conflicts.get(conflict_id)) is not None and conflict.workspace_id == here
        },
        merges=_merges(tables, query),
        tombstones=_tombstones(tables, query),
        audit_head=_audit_head(tables, here) if query.include_audit_head else None,
    )


def _tombstones(tables: Tables, query: SnapshotQuery) -> frozenset[TombstoneDigest]:
    there = (tables.tombstones.get(digest) for digest in query.tombstones)
    return frozenset(held.digest for held in there if held is not None and held.workspace_id == query.workspace_id)


def _merges(tables: Tables, query: SnapshotQuery) -> dict[MergeId, Merge]:
    return {
        merge.id: merge
        for merge in sorted(tables.merges.values(), key=lambda merge: merge.id)
        if merge.workspace_id == query.workspace_id
        and (merge.id in query.merges or (merge.is_active and merge.survivor_id in query.merged_into))
    }


def _audit_head(tables: Tables, workspace_id: str) -> AuditHead:
    numbers = (number for space, number in tables.audits if space == workspace_id)
    last = tables.audits.get((workspace_id, max(numbers, default=0)))
    return AuditHead() if last is None else AuditHead(number=last.number, digest=last.digest)


def _session(tables: Tables, digest: SessionDigest | None, workspace_id: str) -> Session | None:
    session = tables.sessions.get(digest) if digest is not None else None
    return session if session is not None and session.workspace_id == workspace_id else None


def _with_blocks_of(contact: Contact, app_id: str | None) -> Contact:
    if app_id is None:
        return contact
    block = contact.custom_data.get(app_id)
    return replace(contact, custom_data={} if block is None else {app_id: block})
