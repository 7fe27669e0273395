"""What one decision wants written: all of it, or none (R3)."""

from __future__ import annotations

from typing import Generic, Literal, Protocol, TypeVar

from msgspec.structs import replace

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.audit import AuditEntry
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import Event
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.model.note import Note, NoteId
from hullo.model.timeline import ContactEvent
from hullo.model.tombstone import Tombstone
from hullo.model.visitor import Session, Visitor
from hullo.model.webhook import Delivery, Webhook
from hullo.value import Value


class Versioned(Protocol):
    """A noun that stores compare by version before they replace it."""

    @property
    def version(self) -> int:
        """How often it was written; 0 for one that was only created."""
        ...


T = TypeVar("T", bound=Versioned)


class Change(Value, Generic[T], kw_only=False):
    """From `before`, as it was loaded, to `after`. None before: it is new, and must not be there yet.

    A store writes it only while what it holds still has `before.version`; else the change set is a conflict.
    """

    before: T | None
    after: T


def insertion(after: T) -> Change[T]:
    """A new one."""
    return Change(None, after)


def replacement(before: T, after: T) -> Change[T]:
    """The next version of `before`; `after` may say so already, which spares a copy."""
    if after.version == before.version + 1:
        return Change(before, after)
    # mypy and pyright know no protocol for "a dataclass with a version"; every Versioned noun is one.
    return Change(before, replace(after, version=before.version + 1))  # type: ignore[type-var]


class Erasure(Value):
    """A contact to forget with everything that is about it: conversations, timeline, decisions, conflicts, merges
    with their images, notes. Its sessions are revoked (P2).

    Whoever was merged into it is forgotten with it. Erasures come last in their change set. What is in the outbox is
    still told: it holds nothing personal.
    """

    contact: Contact
    conversations: Literal["erase", "anonymise"]
    """Anonymised: the texts stay, without the link to who it was and under a visitor nobody has the session of."""
    at: Instant


class KeyUse(Value):
    """An identity key verified something. Written beside other changes, never compared, and never a conflict."""

    app_id: str
    key_id: str
    at: Instant


class SpentToken(Value):
    """A token that is good for one time was used (V5, T1). A conflict when the same digest was spent before.

    Kept until `expires_at`, when the token is refused for its age anyway; new ones clear expired ones away.
    """

    digest: str
    at: Instant
    expires_at: Instant


class CallCount(Value):
    """How many identify calls an app had on one day, by what they had to show for themselves (V3).

    Added to what is stored for that day, never compared, and never a conflict.
    """

    app_id: str
    day: Instant
    """Its first moment, UTC."""
    signed: int = 0
    unsigned: int = 0
    wrong: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.signed + self.unsigned + self.wrong

    @property
    def signed_percent(self) -> float | None:
        """Rounded down to a tenth, so that 100 means all of them. None where there was no call."""
        return self.signed * 1000 // self.total / 10 if self.total else None


class SessionRevocation(Value):
    """Every session of a contact ends, in all apps (S2). Those that are over stay as they are; never a conflict."""

    contact_id: str
    at: Instant


class Absorption(Value):
    """What points at the absorbed contact points at the survivor from now on: sessions and conversations (L4).

    Which ones they were is remembered under the merge. An open conflict between the two is resolved by it, in the name
    of `by`. Timelines, decisions and notes stay where they are, as those of a survivor are read together with those of
    all whom it absorbed. Comes after the change set's contacts, sessions and conversations are written.
    """

    merge_id: MergeId
    workspace_id: str
    survivor_id: ContactId
    absorbed_id: ContactId
    at: Instant
    by: str


class Split(Value):
    """The reverse: of the sessions and conversations that came with this merge, those that the survivor still has go
    back, and so do those that belong to them since: sessions that prove one of the names which go back, and whatever
    the visitors of all these sessions have begun to say `since` the merge. They are forgotten under the merge then."""

    merge_id: MergeId
    survivor_id: ContactId
    absorbed_id: ContactId
    since: Instant
    restored_identifiers: tuple[IdentifierDigest, ...] = ()
    """Of the absorbed one, as it is restored."""


class StoredResponse(Value):
    """The first answer to a call with an `Idempotency-Key`, for repeats until `expires_at`.

    `digest` names caller and key and is unique; `request` is the digest of the body. `seed`, of the moment that
    decided, is sealed with the caller's key: a repeat makes the same session token anew, and the store knows
    no secret.
    """

    digest: str
    request_digest: str
    seed: bytes
    at: Instant
    body: bytes
    expires_at: Instant


class ChangeSet(Value):
    """Everything to write, in one transaction. `events` are in the outbox then, and told once it is committed (R4).

    Times, ids and secrets' digests are in it, so applying it twice to equal databases makes equal ones.
    """

    workspaces: tuple[Change[Workspace], ...] = ()
    apps: tuple[Change[App], ...] = ()
    api_keys: tuple[Change[ApiKey], ...] = ()
    contacts: tuple[Change[Contact], ...] = ()
    """Identifiers that `after` has and `before` had not are taken, and the reverse let go. Of `custom_data`, the
    blocks that `after` holds are replaced; a block it does not hold is left alone, an empty one is dropped."""
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
    session_revocations: tuple[SessionRevocation, ...] = ()
    merges: tuple[Change[Merge], ...] = ()
    absorptions: tuple[Absorption, ...] = ()
    splits: tuple[Split, ...] = ()
    contact_events: tuple[ContactEvent, ...] = ()
    """For timelines alone: nobody is told of what a site has reported itself."""
    notes: tuple[Note, ...] = ()
    notes_removed: tuple[NoteId, ...] = ()
    """Those that are gone already are no conflict."""
    webhooks: tuple[Change[Webhook], ...] = ()
    deliveries: tuple[Change[Delivery], ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    audit_entries: tuple[AuditEntry, ...] = ()
    """A conflict when the workspace has an entry of that number already: the chain went on meanwhile."""
    erasures: tuple[Erasure, ...] = ()
    events: tuple[Event, ...] = ()
    """Written to the outbox, and those that are `in_timeline` to the timeline too, with their values."""
    dispatched_event_ids: tuple[str, ...] = ()
    """Ids of events that everybody has been told of, or will be by a delivery: they leave the outbox. Those that
    left it already are no conflict."""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to write (W9)."""
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
            or self.session_revocations
            or self.merges
            or self.absorptions
            or self.splits
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
