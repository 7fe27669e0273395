"""The tables of the memory store, and the journal that rolls a change set back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import field

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.audit import AuditEntry
from hullo.model.change_set import CallCount, SpentToken, StoredResponse
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import Event
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.model.note import Note
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.standing import Standing
from hullo.model.timeline import TimelineEntry
from hullo.model.tombstone import Tombstone
from hullo.model.visitor import Session, SessionDigest, Visitor, VisitorId
from hullo.model.webhook import Delivery, Webhook
from hullo.value import Value

K = TypeVar("K")
V = TypeVar("V")


class Moved(Value):
    """The sessions and conversations that a merge moved."""

    sessions: frozenset[SessionDigest]
    conversations: frozenset[ConversationId]
    lowered: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    """The standing that a join on a claim took from each of them."""


class Lease(Value):
    """The holder of a lease, and when it ends."""

    holder: str
    until: Instant


class Tables(Value, kw_only=False):
    """Nouns by id or digest, and beside them what a database would keep as indexes.

    `contacts` hold every app's custom data. `open_pairs` holds the pair of a conflict that blocks a new report.
    """

    workspaces: dict[str, Workspace] = field(default_factory=dict[str, Workspace])
    apps: dict[str, App] = field(default_factory=dict[str, App])
    api_keys: dict[str, ApiKey] = field(default_factory=dict[str, ApiKey])
    api_key_digests: dict[str, str] = field(default_factory=dict[str, str])
    contacts: dict[str, Contact] = field(default_factory=dict[str, Contact])
    identifiers: dict[IdentifierDigest, ContactId] = field(default_factory=dict[IdentifierDigest, ContactId])
    visitors: dict[str, Visitor] = field(default_factory=dict[str, Visitor])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    conversations: dict[str, Conversation] = field(default_factory=dict[str, Conversation])
    visitor_conversations: dict[VisitorId, tuple[str, ...]] = field(default_factory=dict[VisitorId, tuple[str, ...]])
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    repeat_keys: dict[str, str] = field(default_factory=dict[str, str])
    conflicts: dict[str, Conflict] = field(default_factory=dict[str, Conflict])
    open_pairs: dict[str, str] = field(default_factory=dict[str, str])
    merges: dict[MergeId, Merge] = field(default_factory=dict[MergeId, Merge])
    moved: dict[MergeId, Moved] = field(default_factory=dict[MergeId, Moved])
    timeline: dict[str, TimelineEntry] = field(default_factory=dict[str, TimelineEntry])
    notes: dict[str, Note] = field(default_factory=dict[str, Note])
    decisions: dict[str, DecisionRecord] = field(default_factory=dict[str, DecisionRecord])
    answers: dict[str, StoredResponse] = field(default_factory=dict[str, StoredResponse])
    spent: dict[str, SpentToken] = field(default_factory=dict[str, SpentToken])
    outbox: dict[str, Event] = field(default_factory=dict[str, Event])
    leases: dict[str, Lease] = field(default_factory=dict[str, Lease])
    webhooks: dict[str, Webhook] = field(default_factory=dict[str, Webhook])
    deliveries: dict[str, Delivery] = field(default_factory=dict[str, Delivery])
    tombstones: dict[str, Tombstone] = field(default_factory=dict[str, Tombstone])
    audits: dict[tuple[str, int], AuditEntry] = field(default_factory=dict[tuple[str, int], AuditEntry])
    refused_origins: dict[str, RefusedOrigin] = field(default_factory=dict[str, RefusedOrigin])
    call_counts: dict[tuple[str, Instant], CallCount] = field(default_factory=dict[tuple[str, Instant], CallCount])


class Journal:
    """Write to tables and keep what it takes to roll back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Set one entry."""
        if key in table:
            before = table[key]
            self._undo.append(lambda: table.__setitem__(key, before))
        else:
            self._undo.append(lambda: table.pop(key, None))
        table[key] = value

    def drop(self, table: dict[K, V], key: K) -> None:
        """Remove one entry if it exists."""
        if key in table:
            before = table.pop(key)
            self._undo.append(lambda: table.__setitem__(key, before))

    def rollback(self) -> None:
        """Undo every write, the last one first."""
        while self._undo:
            self._undo.pop()()


def with_absorbed(tables: Tables, contact_id: ContactId) -> list[ContactId]:
    """Return the contact's id and the ids of all contacts merged into it, through chains (G3)."""
    people = [contact_id]
    for survivor in people:
        absorbed = (held.id for held in tables.contacts.values() if held.merged_into == survivor)
        people.extend(held for held in absorbed if held not in people)
    return people
