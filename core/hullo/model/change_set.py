"""The writes of one decision: applied all together, or not at all (R3)."""

from __future__ import annotations

from typing import Generic, Literal, Protocol, TypeVar

from msgspec.structs import replace

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.audit import AuditEntry
from hullo.model.block import BlockId
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import Event
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.model.note import Note, NoteId
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.standing import Standing
from hullo.model.timeline import ContactEvent
from hullo.model.tombstone import Tombstone
from hullo.model.visitor import Session, Visitor
from hullo.model.webhook import Delivery, Webhook
from hullo.value import Value


class Versioned(Protocol):
    """Record that a store replaces only if its version is unchanged."""

    @property
    def version(self) -> int:
        """Return the number of writes after the insertion; 0 for a new record."""
        ...


T = TypeVar("T", bound=Versioned)


class Change(Value, Generic[T], kw_only=False):
    """Write of one record: from `before`, as loaded, to `after`. `before` None: an insertion, which must not exist yet.

    A store writes it only while the stored version is `before.version`; else the change set is a conflict.
    """

    # The whole record, not only its version: stores derive from it which identifiers to release.
    before: T | None
    after: T


def insertion(after: T) -> Change[T]:
    """Make the change that inserts a record."""
    return Change(None, after)


def replacement(before: T, after: T) -> Change[T]:
    """Make the change from `before` to its next version. An `after` that has that version already is not copied."""
    # Deciding may change a record in several steps: one write is one version.
    if after.version == before.version + 1:
        return Change(before, after)
    # mypy and pyright have no protocol for "a struct with a version"; every Versioned record is one.
    return Change(before, replace(after, version=before.version + 1))  # type: ignore[type-var]


class Erasure(Value, secrets=("salt",)):
    """Removal of a contact with all data about it: conversations, timeline, decisions, conflicts, merges with their
    images, notes (P2). Its proven sessions are revoked; others lose the contact, and their claims are redacted (H4).

    Contacts that were merged into it are erased too. Stores apply erasures last in their change set. Events in the
    outbox are still sent: they hold no personal data.
    """

    # With its version: a write that comes in between makes the erasure a conflict, and it is decided anew (P2).
    contact: Contact
    conversations: Literal["erase", "anonymise"]
    """`anonymise` keeps the texts without the link to the contact, under a visitor that has no session."""
    # Instants come with the change set, not from a database clock: the servers' clocks differ.
    at: Instant
    salt: str
    """Of the workspace's tombstones: `redact_claim` takes it."""


class KeyUse(Value):
    """Use of an identity key to verify. Written beside other changes, never compared, and never a conflict."""

    app_id: str
    key_id: str
    at: Instant


class SpentToken(Value):
    """Use of a single-use token (V5, T1). A conflict when the same digest was spent before.

    Stored until `expires_at`, after which the token is refused as expired; each write removes expired ones.
    """

    digest: str
    at: Instant
    # Not kept for ever: an expired token is refused by its own `exp`, so the table stays small.
    expires_at: Instant


class CallCount(Value):
    """Number of identify calls of an app on one day, by kind of proof (V3).

    Added to the stored count of that day, never compared, and never a conflict.
    """

    app_id: str
    day: Instant
    """Start of the day, UTC."""
    signed: int = 0
    unsigned: int = 0
    wrong: int = 0

    @property
    def total(self) -> int:
        """Count all calls."""
        return self.signed + self.unsigned + self.wrong

    @property
    def signed_percent(self) -> float | None:
        """Return the share of signed calls, rounded down to a tenth, so that 100 means all. None without calls."""
        # Rounded down: 99.96 must not look like 100 to a site that is about to require proofs.
        return self.signed * 1000 // self.total / 10 if self.total else None


class SessionRevocation(Value):
    """End of every proven session of a contact, in all apps (S2). The others lose the contact and stay valid: a visitor
    who only claimed to be this person learns of no log-out (H4). Ended sessions stay unchanged; never a conflict."""

    contact_id: str
    at: Instant


class HopGroupRevocation(Value):
    """End of every session of a hop group up to a standing (S5). Ended sessions stay unchanged; never a conflict."""

    hop_group: str
    at: Instant
    standing: Standing
    """The highest that ends. Any visitor can make a link with a claim: its sender must not end what a proof began."""
    contact_id: ContactId | None
    """Contact of the session that ended first, and so of the others: their sockets are checked. None for an erased
    person."""


class Absorption(Value):
    """Transfer of sessions and conversations from the absorbed contact to the survivor (L4).

    Stores record under the merge which ones moved, and resolve an open conflict between the two contacts in the name of
    `by`. Timelines, decisions and notes stay: those of a survivor are read together with those of all contacts it
    absorbed. Applied after the contacts, sessions and conversations of the change set.

    With `is_joined`, sessions and links are lowered to `CLAIMED`, and stores record under the merge what they had (J).
    """

    merge_id: MergeId
    workspace_id: str
    survivor_id: ContactId
    absorbed_id: ContactId
    at: Instant
    by: str
    is_joined: bool = False


class JoinConfirmation(Value):
    """Change of a join on a claim to an ordinary merge: sessions and links that came with it and are still the
    survivor's get back the standing that the join took from them (J)."""

    merge_id: MergeId
    survivor_id: ContactId


class Split(Value):
    """Reversal of an `Absorption`: the sessions and conversations that came with the merge and are still the survivor's
    go back, with the standing that a join on a claim took from them. So do later ones of the absorbed contact: sessions
    that prove a restored identifier, and conversations that the visitors of all these sessions started `since` the
    merge. The record of moved ones under the merge is deleted.
    """

    merge_id: MergeId
    survivor_id: ContactId
    absorbed_id: ContactId
    # A conversation from before the merge that did not come with it belongs to the survivor.
    since: Instant
    restored_identifiers: tuple[IdentifierDigest, ...] = ()
    """Of the absorbed contact, as it is restored."""
    is_joined: bool = False
    """True for a join on a claim, which may have lowered standings."""


class StoredResponse(Value, secrets=("seed",)):
    """First answer to a call with an `Idempotency-Key`, for repeats until `expires_at`.

    `digest` names caller and key and is unique; `request_digest` is the digest of the body. `seed`, of the request
    context that decided, is sealed with the caller's key: a repeat derives the same session token from it, and the
    store holds no secret.
    """

    digest: str
    request_digest: str
    seed: bytes
    at: Instant
    body: bytes
    expires_at: Instant


class ChangeSet(Value):
    """All writes of one transaction. `events` go to the outbox with them, and to observers after the commit (R4).

    It holds all times, ids and digests, so that applying it to equal databases gives equal databases.
    """

    workspaces: tuple[Change[Workspace], ...] = ()
    apps: tuple[Change[App], ...] = ()
    api_keys: tuple[Change[ApiKey], ...] = ()
    contacts: tuple[Change[Contact], ...] = ()
    """Identifiers only in `after` are added, those only in `before` are released. Of `custom_data`, the blocks in
    `after` replace the stored ones; a block that `after` lacks stays, an empty block is removed."""
    visitors: tuple[Visitor, ...] = ()
    sessions: tuple[Change[Session], ...] = ()
    conversations: tuple[Change[Conversation], ...] = ()
    messages: tuple[Message, ...] = ()
    conflicts: tuple[Change[Conflict], ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    stored_responses: tuple[StoredResponse, ...] = ()
    spent: tuple[SpentToken, ...] = ()
    key_uses: tuple[KeyUse, ...] = ()
    call_counts: tuple[CallCount, ...] = ()
    refused_origins: tuple[RefusedOrigin, ...] = ()
    session_revocations: tuple[SessionRevocation, ...] = ()
    hop_group_revocations: tuple[HopGroupRevocation, ...] = ()
    lifted_blocks: tuple[BlockId, ...] = ()
    """No session has these blocks any more. Applied after the sessions of the change set; never a conflict."""
    merges: tuple[Change[Merge], ...] = ()
    absorptions: tuple[Absorption, ...] = ()
    splits: tuple[Split, ...] = ()
    join_confirmations: tuple[JoinConfirmation, ...] = ()
    contact_events: tuple[ContactEvent, ...] = ()
    """For timelines alone: events that a site reports go to no observer."""
    notes: tuple[Note, ...] = ()
    notes_removed: tuple[NoteId, ...] = ()
    """A note that does not exist is no conflict."""
    webhooks: tuple[Change[Webhook], ...] = ()
    deliveries: tuple[Change[Delivery], ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    audit_entries: tuple[AuditEntry, ...] = ()
    """A conflict when the workspace has an entry with that number: another writer extended the chain."""
    erasures: tuple[Erasure, ...] = ()
    events: tuple[Event, ...] = ()
    """Written to the outbox; those with `is_in_timeline` also to the timeline, with their values."""
    dispatched_event_ids: tuple[str, ...] = ()
    """Events that are fully dispatched, or have a stored delivery: they leave the outbox. An id that is not in the
    outbox is no conflict."""

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to write (W9)."""
        return not (
            self.contacts
            or self.sessions
            or self.visitors
            or self.conversations
            or self.messages
            or self.conflicts
            or self.decisions
            or self.stored_responses
            or self.spent
            or self.key_uses
            or self.call_counts
            or self.refused_origins
            or self.session_revocations
            or self.hop_group_revocations
            or self.lifted_blocks
            or self.merges
            or self.absorptions
            or self.splits
            or self.join_confirmations
            or self.contact_events
            or self.notes
            or self.notes_removed
            or self.webhooks
            or self.deliveries
            or self.tombstones
            or self.audit_entries
            or self.erasures
            or self.events
            or self.dispatched_event_ids
            or self.workspaces
            or self.apps
            or self.api_keys
        )


NO_CHANGES = ChangeSet()
"""The change set of a call that only read."""
