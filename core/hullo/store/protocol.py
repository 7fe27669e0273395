"""What the core asks of a store. Everything is synchronous and may be called from any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.change_set import CallCount, ChangeSet, StoredAnswer
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.visitor import Session, SessionDigest, VisitorId

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotQuery:
    """Everything that one decision needs to know, asked at once.

    Contacts come with the custom data of `app_id`, or with every app's when that is None.
    """

    workspace_id: str
    app_id: str | None
    session: SessionDigest | None = None
    identifiers: tuple[IdentifierDigest, ...] = ()
    contacts: tuple[ContactId, ...] = ()
    """Contacts wanted by id, beside those that the identifiers find and the session's own."""
    conversations: tuple[ConversationId, ...] = ()
    orphans: bool = False
    """Also the conversations of the session's visitor that have no contact (L1)."""
    repeat_keys: tuple[str, ...] = ()
    """Messages wanted by `Message.repeat_key`; the conversations they are in come with them."""
    answer: str | None = None
    """The digest of a stored answer (`StoredAnswer.digest`)."""
    source: SessionDigest | None = None
    """The session that a hop token was made in; its contact comes with it (T1)."""
    spent: tuple[str, ...] = ()
    """The digests of tokens that may be used once (`Spent.digest`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What one moment's database says to one query. Nothing of another workspace is ever in it."""

    app_version: int | None = None
    """The version of the query's app, so that a process that remembers an app can tell it is outdated. None when
    the app is gone or the query named none."""
    session: Session | None = None
    """Revoked and expired sessions too: who decides looks at the clock."""
    found: Mapping[IdentifierDigest, ContactId] = field(default_factory=dict[IdentifierDigest, ContactId])
    contacts: Mapping[ContactId, Contact] = field(default_factory=dict[ContactId, Contact])
    conversations: Mapping[ConversationId, Conversation] = field(default_factory=dict[ConversationId, Conversation])
    open_pairs: frozenset[str] = frozenset()
    """The pairs (`pair_of`) among `contacts` that have an open conflict (C7)."""
    messages: Mapping[str, Message] = field(default_factory=dict[str, Message])
    """By repeat key."""
    answer: StoredAnswer | None = None
    source: Session | None = None
    """Under the same conditions as `session`."""
    spent: frozenset[str] = frozenset()
    """Which of the query's were used already, also where they have expired since."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The change set is committed, and will be there after a crash."""


@dataclass(frozen=True, slots=True)
class StoreConflict:
    """Nothing of the change set was written, as something it stands on has changed: decide again and come back.

    `reason` names the table or constraint, for the log.
    """

    reason: str


APPLIED = Applied()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items, the newest first, and the cursor of those after them; None when that was all."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`cursor` is a `Page.next` of the same list; one that is of no list gives an empty page, never an error."""

    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFilter:
    """`query` is looked for anywhere in identifiers and profile, whatever the case; `identifier` matches exactly."""

    workspace_id: str
    query: str | None = None
    identifier: IdentifierDigest | None = None


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

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None: ...
    def list_contacts(self, wanted: ContactFilter, page: PageRequest) -> Page[Contact]:
        """Those that were merged into another are among them."""
        ...

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]: ...
    def list_conflicts(self, workspace_id: str, page: PageRequest) -> Page[Conflict]:
        """The open ones."""
        ...

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """The contact's, of every app, by the id of their visitors; those that are over too."""
        ...


class ConversationReads(Protocol):
    """Conversations, by who may see them."""

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """The visitor's own and, with a contact, those of that contact in this app whose link is proven (H1)."""
        ...

    def list_conversations(self, workspace_id: str, page: PageRequest) -> Page[Conversation]: ...
    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None: ...
    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]: ...


@runtime_checkable
class Store(AppReads, ContactReads, ConversationReads, Protocol):
    """Keeps everything. Batch-first: a group of units is loaded at once and applied under one commit.

    Implementations translate their driver's errors: a broken connection, a locked file or an outdated schema
    raise `StoreUnavailable`; what somebody else changed meanwhile is a returned `StoreConflict`. Nothing else
    of a driver gets out. `hullo.testing.StoreContract` proves an implementation.
    """

    @property
    def lanes(self) -> int:
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
        contact which was erased meanwhile is a conflict too, as is a message in a conversation that is gone.
        Nobody reads what is not yet kept for good. Raises `StoreUnavailable` when none of it was committed, or
        when the connection was lost while it was being committed and nobody can tell: whoever comes again
        decides on what is there then. Raises `Unstorable`, with nothing written, when the database takes one of the
        values for none of its own.
        """
        ...


@runtime_checkable
class Locking(Protocol):
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
