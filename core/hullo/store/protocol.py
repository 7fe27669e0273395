"""What the core asks of a store. Everything is synchronous and may be called from any thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar, runtime_checkable

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.audit import AuditEntry
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.conflict import Conflict, ConflictStatus
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.event import Event
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId, RelatedCounts
from hullo.model.note import Note, NoteId
from hullo.model.retention import Sweep, SweepResult
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.timeline import TimelineEntry
from hullo.model.visitor import Session, SessionDigest, VisitorId
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.value import Value

Item = TypeVar("Item")


class Applied(Value, kw_only=False):
    """The change set is committed, and will be there after a crash."""


class StoreConflict(Value, kw_only=False):
    """Nothing of the change set was written, as something it stands on has changed: decide again and come back.

    `reason` names the table or constraint, for the log.
    """

    reason: str


APPLIED = Applied()


class Page(Value, Generic[Item]):
    """Some items, the newest first, and the cursor of those after them; None when that was all."""

    items: tuple[Item, ...]
    next: str | None


class PageRequest(Value):
    """`cursor` is a `Page.next` of the same list; one that is of no list gives an empty page, never an error."""

    limit: int = 50
    cursor: str | None = None


class ContactFilter(Value):
    """`query` is looked for anywhere in identifiers and profile, whatever the case; `identifier` matches exactly."""

    workspace_id: str
    query: str | None = None
    identifier: IdentifierDigest | None = None
    tag: str | None = None
    """Exactly."""


class ConflictFilter(Value):
    """None: of either status; with whomever."""

    workspace_id: str
    status: ConflictStatus | None = "open"
    contact_id: ContactId | None = None
    """On either side."""


class AppReads(Protocol):
    """Who may call. Lists are newest first, and hold what is retired, revoked or expired too: who asks looks at the
    clock."""

    def find_app(self, app_id: str) -> App | None: ...
    def list_apps(self) -> Sequence[App]: ...
    def list_workspaces(self) -> Sequence[Workspace]: ...
    def find_api_key(self, digest: str) -> ApiKey | None: ...
    def list_api_keys(self) -> Sequence[ApiKey]: ...
    def find_session(self, digest: SessionDigest) -> Session | None: ...
    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """Of the days from `since` on, the oldest first."""
        ...


class ContactReads(Protocol):
    """What an agent or an API key may see. Contacts come with every app's custom data."""

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """As it is: one that was merged into another is empty, and names it."""
        ...

    def list_contacts(self, criteria: ContactFilter, page: PageRequest) -> Page[Contact]:
        """Without those that were merged into another."""
        ...

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """The contact's, of every app, by the id of their visitors; those that are over too."""
        ...

    def count_related(self, workspace_id: str, contact_id: ContactId) -> RelatedCounts:
        """How much there is of the contact and of everybody whom it absorbed."""
        ...


class HistoryReads(Protocol):
    """How a contact came to be what it is. A contact's history is also that of everybody whom it absorbed, through
    chains, for as long as it is so."""

    def list_timeline(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[TimelineEntry]: ...
    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]: ...
    def list_notes(self, workspace_id: str, subject_id: str, page: PageRequest) -> Page[Note]:
        """About a contact, or about a conversation."""
        ...

    def find_note(self, workspace_id: str, note_id: NoteId) -> Note | None: ...

    def list_conflicts(self, criteria: ConflictFilter, page: PageRequest) -> Page[Conflict]:
        """Of exactly the contact that is asked for, and of nobody whom it absorbed."""
        ...

    def list_merges(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Merge]:
        """In which the contact, or anybody whom it absorbed, is the survivor or the absorbed one; undone ones too."""
        ...

    def find_merge(self, workspace_id: str, merge_id: MergeId) -> Merge | None: ...
    def list_audit(self, workspace_id: str, page: PageRequest) -> Page[AuditEntry]: ...


class ConversationReads(Protocol):
    """Conversations, by who may see them."""

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """The visitor's own and, with a contact, those of that contact in this app whose link is proven (H1)."""
        ...

    def list_conversations(self, workspace_id: str, page: PageRequest) -> Page[Conversation]: ...
    def list_contact_conversations(
        self, workspace_id: str, contact_id: ContactId, page: PageRequest
    ) -> Page[Conversation]: ...
    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None: ...
    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]: ...


class Outbox(Protocol):
    """Events that are committed, and wait for everybody to be told of them (R4)."""

    def list_outbox(self, limit: int) -> Sequence[Event]:
        """The oldest, in the order of their ids; without their values."""
        ...

    def acquire_lease(self, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """Whether `holder` has the lease of this name until then: it was free, had ended by `now`, or was theirs
        already. Of any number who ask at once, in whatever processes, one is told yes. One that lasts more than twice
        as long as what is asked for is the word of a wrong clock, and free."""
        ...

    def release_lease(self, name: str, holder: str) -> None:
        """It is free, if it was theirs."""
        ...


class WebhookReads(Protocol):
    """Who is told over HTTP, and what came of it."""

    def list_webhooks(self, workspace_id: str | None) -> Sequence[Webhook]:
        """Of a workspace, or of all; the newest first, without deleted ones."""
        ...

    def find_webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Deleted ones too."""
        ...

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]: ...
    def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None: ...
    def list_due_deliveries(self, now: Instant, limit: int, without: Collection[WebhookId] = ()) -> Sequence[Delivery]:
        """Pending ones whose time has come, the longest due first. Of those of one webhook and contact only the first,
        and none while an earlier one is pending; those of no contact wait for nobody. None of the webhooks in
        `without`: they are busy, and however much is due there holds up nobody else."""
        ...

    def next_delivery_at(self) -> Instant | None:
        """When the next delivery is due, which may have been in the past; None when none is pending."""
        ...


class RetentionCleanup(Protocol):
    """What is too old is removed (P3)."""

    def sweep(self, sweep: Sweep, *, dry_run: bool = False) -> SweepResult:
        """Removes at most `sweep.most` of each kind, in transactions of its own.

        A session goes when it is over, and when its visitor is anonymous and was last seen before that moment; a
        visitor with its last session, unless it has a conversation. A conversation goes with its messages and notes,
        and its visitor's session stays.
        """
        ...

    def delete_deliveries(self, before: Instant, limit: int) -> int:
        """Removes what was delivered or given up before then. How many there were."""
        ...


@runtime_checkable
class Store(AppReads, ContactReads, HistoryReads, ConversationReads, Outbox, WebhookReads, RetentionCleanup, Protocol):
    """Keeps everything. Batch-first: a group of units is loaded at once and applied under one commit.

    Implementations translate their driver's errors: a broken connection, a locked file or an outdated schema
    raise `StoreUnavailable`; what somebody else changed meanwhile is a returned `StoreConflict`. Nothing else
    of a driver gets out. `hullo.testing.StoreContract` proves an implementation.
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
        """Connects, and brings the schema up to date. Calling it on an open store does nothing."""
        ...

    def close(self) -> None:
        """Gives everything back. A closed store may be opened again."""
        ...

    def check(self) -> None:
        """Raises `StoreUnavailable` unless the database answers and its schema is current. For readiness."""
        ...

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """One snapshot a query, in their order, all of one moment. One round trip, where the engine can."""
        ...

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """Each change set all or nothing, in their order, one commit for the group.

        A later change set may build on an earlier one of the same group only through a fresh snapshot: a
        conflict in one leaves the others alone. A session, conversation, decision or conflict that names a
        contact which was erased meanwhile is a conflict too, as is a session or conversation that is given to one which
        has become part of another, and a message in a conversation that is gone.
        Nobody reads what is not yet kept for good. Raises `StoreUnavailable` when none of it was committed, or
        when the connection was lost while it was being committed and nobody can tell: whoever comes again
        decides on what is there then. Raises `Unstorable`, with nothing written, when the database takes one of the
        values for none of its own.
        """
        ...


@runtime_checkable
class SupportsLocking(Protocol):
    """What a store may keep beside `Store`, if writers in several threads or processes share it."""

    def locking(self) -> AbstractContextManager[object]:
        """For units that have met a conflict: inside, whatever this thread loads stays as it is until it has applied
        what it decided, so that others who write it too wait, instead of winning again.

        Load first, apply at most once, and then leave, asking the store for nothing else meanwhile; leaving without
        `apply` writes nothing. What is not there yet
        cannot be held, and on a cluster with several writers nothing is held beyond one node, so that `apply` may
        still answer with conflicts.
        """
        ...
