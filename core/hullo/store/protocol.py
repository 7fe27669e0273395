"""The protocols of a store. Everything is synchronous and may be called from any thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar, runtime_checkable

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.audit import AuditEntry
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.conflict import Conflict, ConflictStatus
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message, Status
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import Event
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId, RelatedCounts
from hullo.model.note import Note, NoteId
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.retention import Sweep, SweepResult
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.timeline import TimelineEntry
from hullo.model.visitor import Session, SessionDigest, VisitorId
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.value import Value

Item = TypeVar("Item")


class Applied(Value, kw_only=False):
    """The change set is committed and survives a crash."""


# A value and no exception: a conflict is an ordinary result, and one of a group must not end the others.
class StoreConflict(Value, kw_only=False):
    """Nothing of the change set was written, as something it depends on has changed: decide again on a fresh snapshot.

    `reason` names the table or constraint, for the log.
    """

    reason: str


APPLIED = Applied()


class Page(Value, Generic[Item]):
    """Items, newest first, and the cursor of the next page. None on the last page."""

    items: tuple[Item, ...]
    next: str | None


class PageRequest(Value):
    """`cursor` is a `Page.next` of the same list. A cursor of no list gives an empty page, never an error."""

    limit: int = 50
    cursor: str | None = None


class ContactFilter(Value):
    """`query` is what a person types, compared as `SearchQuery` says; one without a word matches every contact.
    `identifier` matches exactly."""

    workspace_id: str
    query: str | None = None
    identifier: IdentifierDigest | None = None
    tag: str | None = None
    """Matches exactly."""


class ConversationFilter(Value):
    """All that is given must match; None matches everything."""

    # Required: a list is never of several workspaces.
    workspace_id: str
    app_id: str | None = None
    contact_id: ContactId | None = None
    """That contact alone, not those it absorbed: their conversations have moved to it (L4)."""
    status: Status | None = None
    assignee: str | None = None
    """Matches exactly."""


class ConflictFilter(Value):
    """`status` None means either status; `contact_id` None means all contacts."""

    workspace_id: str
    status: ConflictStatus | None = "open"
    contact_id: ContactId | None = None
    """Matches either side of the conflict."""


class AppReads(Protocol):
    """Reads of apps, keys and sessions. Lists are newest first and include retired, revoked and expired items: the
    caller compares them with its clock."""

    def find_app(self, app_id: str) -> App | None: ...
    def list_apps(self) -> Sequence[App]: ...
    def list_workspaces(self) -> Sequence[Workspace]: ...
    def find_api_key(self, digest: str) -> ApiKey | None: ...
    def list_api_keys(self) -> Sequence[ApiKey]: ...
    def find_session(self, digest: SessionDigest) -> Session | None: ...
    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """Return the counts of the days from `since` on, oldest first."""
        ...

    def list_refused_origins(self, now: Instant) -> Sequence[RefusedOrigin]:
        """Return the counts of every app that have not expired by then, by hour and digest."""
        ...


class ContactReads(Protocol):
    """Reads of contacts for agents and API keys. Contacts come with every app's custom data."""

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """Return the contact as it is stored: one that was merged into another is empty, and names it."""
        ...

    def list_contacts(self, criteria: ContactFilter, page: PageRequest) -> Page[Contact]:
        """Return a page without contacts that were merged into another."""
        ...

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Return a page of the contact's sessions in every app, by visitor id; those that are over too."""
        ...

    def find_visitor_session(self, workspace_id: str, visitor_id: VisitorId) -> Session | None:
        """Return the visitor's session, one that is over too. None once it was deleted."""
        ...

    def count_related(self, workspace_id: str, contact_id: ContactId) -> RelatedCounts:
        """Count what belongs to the contact and to all contacts it absorbed."""
        ...


class HistoryReads(Protocol):
    """Reads of how a contact came to be what it is. Its history includes that of all contacts it absorbed, through
    chains, while they are merged."""

    def list_timeline(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[TimelineEntry]: ...
    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]: ...
    def list_notes(self, workspace_id: str, subject_id: str, page: PageRequest) -> Page[Note]:
        """Return a page of the notes about a contact or a conversation."""
        ...

    def find_note(self, workspace_id: str, note_id: NoteId) -> Note | None: ...

    def list_conflicts(self, criteria: ConflictFilter, page: PageRequest) -> Page[Conflict]:
        """Return a page of conflicts. A contact in the filter means that contact alone, not those it absorbed."""
        ...

    def list_merges(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Merge]:
        """Return a page of merges, undone ones too, where the contact or one it absorbed is survivor or absorbed."""
        ...

    def find_merge(self, workspace_id: str, merge_id: MergeId) -> Merge | None: ...
    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]: ...


class ConversationReads(Protocol):
    """Reads of conversations, by who may see them."""

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """Return a page of the visitor's own and, with a contact, of that contact's in this app whose link is proven
        (H1)."""
        ...

    def list_conversations(self, criteria: ConversationFilter, page: PageRequest) -> Page[Conversation]: ...
    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None: ...
    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]: ...


class Outbox(Protocol):
    """Committed events that wait to be dispatched (R4), and leases."""

    def list_outbox(self, limit: int) -> Sequence[Event]:
        """Return the oldest events by id, without their values."""
        ...

    def acquire_lease(self, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """Take or renew a lease; return whether `holder` has it until then.

        It succeeds if the lease is free, had ended by `now`, or is the holder's already. Of several callers at once, in
        any processes, one succeeds. A stored lease that ends later than twice the requested time was written by a wrong
        clock, and counts as free.
        """
        ...

    def release_lease(self, name: str, holder: str) -> None:
        """Release the lease if `holder` has it."""
        ...


class WebhookReads(Protocol):
    """Reads of webhooks and their deliveries."""

    def list_webhooks(self, workspace_id: str | None) -> Sequence[Webhook]:
        """Return the webhooks of a workspace, or of all for None; newest first, without deleted ones."""
        ...

    def find_webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return the webhook, a deleted one too."""
        ...

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]: ...
    def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...
    def list_due_deliveries(self, now: Instant, limit: int, without: Collection[WebhookId] = ()) -> Sequence[Delivery]:
        """Return pending deliveries that are due, the longest due first.

        Of those of one webhook and contact only the first, and none while an earlier one is pending; those without a
        contact do not wait. Webhooks in `without` are busy and left out, so that their backlog delays no other webhook.
        """
        ...

    def next_delivery_at(self) -> Instant | None:
        """Return when the next delivery is due, which may be in the past. None if none is pending."""
        ...


class RetentionCleanup(Protocol):
    """Deletes what is too old (P3)."""

    def sweep(self, sweep: Sweep, *, dry_run: bool = False) -> SweepResult:
        """Delete at most `sweep.limit` of each kind, in transactions of its own.

        A session goes when it is over, or when its visitor is anonymous and was last seen before that time; a visitor
        goes with its last session, unless it has a conversation. A conversation goes with its messages and notes; its
        visitor's session stays.
        """
        ...

    def delete_deliveries(self, before: Instant, limit: int) -> int:
        """Delete deliveries that succeeded or were given up before then; return how many."""
        ...


@runtime_checkable
class Store(AppReads, ContactReads, HistoryReads, ConversationReads, Outbox, WebhookReads, RetentionCleanup, Protocol):
    """Keeps everything. Batch-first: a group of units is loaded at once and applied under one commit.

    Implementations translate driver errors: a broken connection, a locked file or an outdated schema raises
    `StoreUnavailable`; a concurrent change is a returned `StoreConflict`. No other driver error gets out.
    `hullo.testing.StoreContract` verifies an implementation.
    """

    @property
    def max_concurrent_batches(self) -> int:
        """How many groups are worth serving at once: 1 for a store with one writer, a few for a server."""
        ...

    @property
    def shared_between_processes(self) -> bool:
        """Whether several processes may have it open at once."""
        ...

    def open(self) -> None:
        """Connect and bring the schema up to date. Opening an open store does nothing."""
        ...

    def close(self) -> None:
        """Release all resources. A closed store may be opened again."""
        ...

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the database answers, its schema is current, and it takes writes. For
        readiness probes: waits for no writer, and a database that another process has locked takes writes."""
        ...

    # Of one moment: a session and its contact that were read at two moments could contradict each other.
    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """Return one snapshot a query, in their order, all of one moment; in one round trip if the engine can."""
        ...

    # A group has one commit, as the commit is what costs; each set stands or falls by itself (R3).
    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """Apply every change set, each all or nothing, in their order, with one commit for the group. Those with audit
        entries may go last: writers of a log wait for each other from there on.

        A change set builds on an earlier one of its group only through a fresh snapshot; a conflict in one does not
        affect the others. Also conflicts: a session, conversation, decision or conflict that names an erased contact; a
        session or conversation given to a contact that was merged meanwhile; a message in a conversation that is gone.

        Uncommitted writes are visible to no reader. Raises `StoreUnavailable` if nothing was committed, or if the
        connection was lost during the commit and its result is unknown: a retry decides on what is stored then. Raises
        `Unstorable`, with nothing written, if the database accepts one of the values in no form.
        """
        ...


@runtime_checkable
class SupportsConcurrentReads(Protocol):
    """What a store may offer beside `Store` if no read and no load waits for a writer, in this process or another."""

    @property
    def max_concurrent_reads(self) -> int:
        """How many reads are worth serving at once, beside `max_concurrent_batches` groups and one more load."""
        ...


@runtime_checkable
class SupportsLocking(Protocol):
    """What a store may offer beside `Store` if several threads or processes write to it."""

    def locking(self) -> AbstractContextManager[object]:
        """Lock what this thread loads until it has applied its decision, for units that have met a conflict: rivals
        wait instead of winning again.

        Load first, apply at most once, then leave, with no other call in between; leaving without `apply` writes
        nothing. Rows that do not exist yet cannot be locked, and on a cluster with several writers locks are local to a
        node, so `apply` may still return conflicts.
        """
        ...
