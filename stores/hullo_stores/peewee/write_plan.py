"""Every kind of write that a change set can need, and the order in which they run."""

from __future__ import annotations

from typing import Final

from hullo_stores.peewee.rows.apps import api_key_row, app_row, workspace_row
from hullo_stores.peewee.rows.contacts import contact_row, conversation_row, message_row, session_row, visitor_row
from hullo_stores.peewee.rows.history import audit_row, conflict_row, decision_row, merge_row, note_row, timeline_row
from hullo_stores.peewee.rows.outbox import delivery_row, event_row, webhook_row
from hullo_stores.peewee.table_writes import AppendOnlyTable, ExpiringTable, VersionedTable, WritableTable
from hullo_stores.peewee.tables import (
    Answers,
    ApiKeys,
    Apps,
    Audits,
    CallCounts,
    Conflicts,
    ContactGrams,
    Contacts,
    ContactSearch,
    Conversations,
    CustomData,
    Decisions,
    Deliveries,
    Identifiers,
    IdentityKeys,
    Merges,
    Messages,
    Notes,
    Outbox,
    RefusedOrigins,
    Sessions,
    SpentTokens,
    Tags,
    Timeline,
    Tombstones,
    Visitors,
    Webhooks,
    Workspaces,
)
from hullo_stores.peewee.writes import Column, Write, columns_of, insert_into, name_of
from hullo_stores.timeline import timeline_entries

WORKSPACES = VersionedTable(Workspaces, lambda changes: changes.workspaces, workspace_row)
APPS = VersionedTable(Apps, lambda changes: changes.apps, app_row)
API_KEYS = VersionedTable(ApiKeys, lambda changes: changes.api_keys, api_key_row)
CONTACTS = VersionedTable(Contacts, lambda changes: changes.contacts, contact_row)
VISITORS = AppendOnlyTable(Visitors, lambda changes: changes.visitors, visitor_row)
SESSIONS = VersionedTable(Sessions, lambda changes: changes.sessions, session_row)
CONVERSATIONS = VersionedTable(Conversations, lambda changes: changes.conversations, conversation_row)
MESSAGES = AppendOnlyTable(Messages, lambda changes: changes.messages, message_row)
CONFLICTS = VersionedTable(Conflicts, lambda changes: changes.conflicts, conflict_row)
MERGES = VersionedTable(Merges, lambda changes: changes.merges, merge_row)
DECISIONS = AppendOnlyTable(Decisions, lambda changes: changes.decisions, decision_row)
TIMELINE = AppendOnlyTable(Timeline, timeline_entries, timeline_row)
OUTBOX = AppendOnlyTable(Outbox, lambda changes: changes.events, event_row)
NOTES = AppendOnlyTable(Notes, lambda changes: changes.notes, note_row)
WEBHOOKS = VersionedTable(Webhooks, lambda changes: changes.webhooks, webhook_row)
DELIVERIES = VersionedTable(Deliveries, lambda changes: changes.deliveries, delivery_row)
AUDITS = AppendOnlyTable(Audits, lambda changes: changes.audit_entries, audit_row)
WRITABLE_TABLES: Final[tuple[WritableTable, ...]] = (
    WORKSPACES,
    APPS,
    API_KEYS,
    CONTACTS,
    VISITORS,
    SESSIONS,
    CONVERSATIONS,
    MESSAGES,
    CONFLICTS,
    MERGES,
    DECISIONS,
    TIMELINE,
    OUTBOX,
    NOTES,
    WEBHOOKS,
    DELIVERIES,
    AUDITS,
)

IDENTITY_KEY_COLUMNS: Final = columns_of(IdentityKeys, "id", "app_id")
BLOCK_KEY_COLUMNS: Final = columns_of(CustomData, "contact_id", "app_id")

ADD_IDENTITY_KEY, ADD_IDENTIFIER, ADD_TAG = map(insert_into, (IdentityKeys, Identifiers, Tags))
DROP_IDENTITY_KEY = Write(verb="delete", table=name_of(IdentityKeys), keys=IDENTITY_KEY_COLUMNS)
REPLACE_IDENTITY_KEY = Write(
    verb="update",
    table=name_of(IdentityKeys),
    sets=columns_of(IdentityKeys, "secret", "created_at", "retires_at", "public_key"),
    keys=IDENTITY_KEY_COLUMNS,
    must_find=True,
)
USE_IDENTITY_KEY = Write(
    verb="update",
    table=name_of(IdentityKeys),
    sets=columns_of(IdentityKeys, "last_used_at"),
    keys=(*IDENTITY_KEY_COLUMNS, Column("last_used_at", "bigint", "<=")),
)
LOCK_UNMERGED_CONTACT = Write(
    verb="update",
    table=name_of(Contacts),
    sets=(Column("version", "int", is_increment=True),),
    keys=(*columns_of(Contacts, "id"), Column("merged_into", "text", "or null =")),
    must_find=True,
)
"""Adds 0 to the version, which locks the row, and matches only an unmerged contact. A merge that would absorb it waits,
and then moves what points at it by that time."""
RELEASE_IDENTIFIER = Write(
    verb="delete", table=name_of(Identifiers), keys=columns_of(Identifiers, "digest", "contact_id")
)
PUT_BLOCK = Write(
    verb="upsert", table=name_of(CustomData), sets=columns_of(CustomData, "block"), keys=BLOCK_KEY_COLUMNS
)
DROP_BLOCK = Write(verb="delete", table=name_of(CustomData), keys=BLOCK_KEY_COLUMNS)
DROP_TAG = Write(verb="delete", table=name_of(Tags), keys=columns_of(Tags, "contact_id", "name"))
PUT_SEARCH_TEXT = Write(
    verb="upsert",
    table=name_of(ContactSearch),
    sets=columns_of(ContactSearch, "text"),
    keys=columns_of(ContactSearch, "workspace_id", "contact_id"),
)
DROP_SEARCH_TEXT = Write(
    verb="delete", table=name_of(ContactSearch), keys=columns_of(ContactSearch, "workspace_id", "contact_id")
)
ADD_GRAM = insert_into(ContactGrams)
DROP_GRAM = Write(verb="delete", table=name_of(ContactGrams), keys=columns_of(ContactGrams, "gram", "contact_id"))
DROP_NOTE = Write(verb="delete", table=name_of(Notes), keys=columns_of(Notes, "id"))
DROP_OUTBOX_EVENT = Write(verb="delete", table=name_of(Outbox), keys=columns_of(Outbox, "id"))
PUT_TOMBSTONE = Write(
    verb="upsert",
    table=name_of(Tombstones),
    sets=columns_of(Tombstones, "workspace_id", "at"),
    keys=columns_of(Tombstones, "digest"),
)
LOG_OUT = Write(
    verb="update",
    table=name_of(Sessions),
    sets=(*columns_of(Sessions, "revoked_at"), Column("version", "int", is_increment=True)),
    keys=(*columns_of(Sessions, "contact_id", "standing"), Column("revoked_at", "bigint", "<=")),
)
"""Revokes the sessions with that standing."""
LEAVE_CONTACT = Write(
    verb="update",
    table=name_of(Sessions),
    sets=(*columns_of(Sessions, "contact_id", "standing", "proved"), Column("version", "int", is_increment=True)),
    keys=(
        *columns_of(Sessions, "contact_id"),
        Column("standing", "int", "<="),
        Column("revoked_at", "bigint", "<="),
    ),
)
"""Takes the contact from the sessions with that standing or less (H4)."""
END_HOP_GROUP = Write(
    verb="update",
    table=name_of(Sessions),
    sets=(*columns_of(Sessions, "revoked_at"), Column("version", "int", is_increment=True)),
    keys=(
        *columns_of(Sessions, "hop_group"),
        Column("revoked_at", "bigint", "<="),
        Column("standing", "int", "<="),
    ),
)
LIFT_BLOCK = Write(
    verb="update",
    table=name_of(Sessions),
    sets=(*columns_of(Sessions, "block"), Column("version", "int", is_increment=True)),
    keys=columns_of(Sessions, "block_id"),
)
COUNT_CALLS = Write(
    verb="upsert",
    table=name_of(CallCounts),
    sets=tuple(Column(name, "bigint", is_increment=True) for name in ("signed", "unsigned", "wrong")),
    keys=columns_of(CallCounts, "app_id", "day"),
)
COUNT_REFUSED_ORIGINS = Write(
    verb="upsert",
    table=name_of(RefusedOrigins),
    sets=(
        Column("calls", "bigint", is_increment=True),
        *columns_of(RefusedOrigins, "app_id", "hour", "origin", "expires_at"),
    ),
    keys=columns_of(RefusedOrigins, "digest"),
)
PURGE_REFUSED_ORIGINS = Write(
    verb="expire",
    table=name_of(RefusedOrigins),
    sets=columns_of(RefusedOrigins, "digest"),
    keys=(Column("expires_at", "bigint", "<="),),
)
ANSWERS, SPENT = ExpiringTable(Answers), ExpiringTable(SpentTokens)

WRITE_ORDER: Final = (
    WORKSPACES.add,
    WORKSPACES.replace,
    APPS.add,
    APPS.replace,
    DROP_IDENTITY_KEY,
    ADD_IDENTITY_KEY,
    REPLACE_IDENTITY_KEY,
    API_KEYS.add,
    API_KEYS.replace,
    RELEASE_IDENTIFIER,  # before any is added: one contact may take what another gives up
    CONTACTS.add,
    CONTACTS.replace,
    LOCK_UNMERGED_CONTACT,
    ADD_IDENTIFIER,
    DROP_BLOCK,
    PUT_BLOCK,
    DROP_TAG,
    ADD_TAG,
    DROP_SEARCH_TEXT,
    PUT_SEARCH_TEXT,
    DROP_GRAM,
    ADD_GRAM,
    VISITORS.add,
    SESSIONS.add,
    SESSIONS.replace,
    LIFT_BLOCK,  # after the sessions are written: a reset that was decided before this meets another version
    LOG_OUT,  # after the sessions are written: it revokes all that the contact has by then
    LEAVE_CONTACT,
    END_HOP_GROUP,
    CONVERSATIONS.add,
    CONVERSATIONS.replace,
    MESSAGES.add,
    CONFLICTS.replace,  # before any is added: resolving one frees its pair for a new one
    CONFLICTS.add,
    MERGES.add,
    MERGES.replace,
    DECISIONS.add,
    TIMELINE.add,
    NOTES.add,
    DROP_NOTE,
    *ANSWERS.writes,
    *SPENT.writes,
    PURGE_REFUSED_ORIGINS,
    COUNT_REFUSED_ORIGINS,
    WEBHOOKS.add,
    WEBHOOKS.replace,
    DELIVERIES.add,
    DELIVERIES.replace,
    OUTBOX.add,
    DROP_OUTBOX_EVENT,
    PUT_TOMBSTONE,
    USE_IDENTITY_KEY,
    AUDITS.add,  # late: from here on all writers of a workspace's log wait for this commit
    COUNT_CALLS,  # last: from here on all calls of an app wait for this commit
)
"""In execution order: referenced rows before rows that reference them."""
LATE_WRITES: Final = frozenset({AUDITS.add, COUNT_CALLS})
"""Those at which other callers wait for the commit. They come after everything else that locks a row."""
