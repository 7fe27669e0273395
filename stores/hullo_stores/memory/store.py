"""The reference store: what a store must do, in its plainest form."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from hullo.errors import SettingsError, StoreUnavailable
from hullo.model.app import ApiKey, App, Workspace
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.instant import Instant
from hullo.model.standing import Standing
from hullo.model.visitor import Session, SessionDigest, VisitorId
from hullo.store.protocol import (
    APPLIED,
    Applied,
    ContactFilter,
    Page,
    PageRequest,
    Snapshot,
    SnapshotQuery,
    StoreConflict,
)
from hullo_stores.memory.changes import ChangeWriter
from hullo_stores.memory.snapshots import snapshot
from hullo_stores.memory.tables import Journal, Tables
from hullo_stores.paging import Listed, UnknownCursor, last_told, page_of
from hullo_stores.refusal import Refused

T = TypeVar("T", bound=Listed)


def open_memory(url: str) -> MemoryStore:
    """A new, empty store for `memory:`; every call makes another one. Not opened yet."""
    if url.rstrip("/") != "memory:":
        raise SettingsError("the memory store takes no path and no parameters: write its URL as 'memory:'")
    return MemoryStore()


class MemoryStore:
    """Dicts under one lock. Not durable, and not shared between processes; closing keeps what it holds."""

    lanes = 1
    shared_between_processes = False

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = threading.RLock()
        self._opened = False

    def open(self) -> None:
        """Makes it usable."""
        self._opened = True

    def close(self) -> None:
        """Makes it unusable until it is opened again."""
        self._opened = False

    def check(self) -> None:
        """Raises `StoreUnavailable` unless it is open."""
        with self._locked():
            pass

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """See `Store.load`."""
        with self._locked() as tables:
            return tuple(snapshot(tables, query) for query in queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`."""
        with self._locked() as tables:
            return tuple(_apply_one(tables, change_set) for change_set in changes)

    @contextmanager
    def locking(self) -> Generator[None]:
        """See `Locking`. This thread has the store to itself."""
        with self._locked():
            yield

    def find_app(self, app_id: str) -> App | None:
        """None when there is no such app."""
        with self._locked() as tables:
            return tables.apps.get(app_id)

    def list_apps(self) -> Sequence[App]:
        """The newest first."""
        with self._locked() as tables:
            return _newest_first(tables.apps.values())

    def list_workspaces(self) -> Sequence[Workspace]:
        """The newest first."""
        with self._locked() as tables:
            return _newest_first(tables.workspaces.values())

    def find_api_key(self, digest: str) -> ApiKey | None:
        """By the digest of its secret; revoked ones too."""
        with self._locked() as tables:
            return tables.api_keys.get(tables.api_key_digests.get(digest, ""))

    def list_api_keys(self) -> Sequence[ApiKey]:
        """The newest first."""
        with self._locked() as tables:
            return _newest_first(tables.api_keys.values())

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Revoked and expired ones too."""
        with self._locked() as tables:
            return tables.sessions.get(digest)

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """The oldest first."""
        with self._locked() as tables:
            counts = (held for held in tables.call_counts.values() if held.app_id == app_id and held.day >= since)
            return tuple(sorted(counts, key=lambda held: held.day))

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """None when it is another workspace's."""
        with self._locked() as tables:
            contact = tables.contacts.get(contact_id)
            return contact if contact is not None and contact.workspace_id == workspace_id else None

    def list_contacts(self, wanted: ContactFilter, page: PageRequest) -> Page[Contact]:
        """See `ContactFilter`."""
        text = wanted.query.casefold() if wanted.query else ""

        def fits(contact: Contact) -> bool:
            return (
                contact.workspace_id == wanted.workspace_id
                and (wanted.identifier is None or wanted.identifier in contact.digests())
                and any(text in value.casefold() for value in (*_searched(contact), ""))
            )

        with self._locked() as tables:
            return _page("contacts", page, tables.contacts, fits)

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]:
        """Those about one contact."""
        with self._locked() as tables:
            return _page(
                "decisions",
                page,
                tables.decisions,
                lambda held: held.workspace_id == workspace_id and held.contact_id == contact_id,
            )

    def list_conflicts(self, workspace_id: str, page: PageRequest) -> Page[Conflict]:
        """The open ones."""
        with self._locked() as tables:
            return _page(
                "conflicts",
                page,
                tables.conflicts,
                lambda held: held.workspace_id == workspace_id and held.status == "open",
            )

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Those of one contact."""
        with self._locked() as tables:
            return _page(
                "sessions",
                page,
                tables.sessions,
                lambda held: held.workspace_id == workspace_id and held.contact_id == contact_id,
            )

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """See `ConversationReads` (H1)."""

        def visible(held: Conversation) -> bool:
            proven = held.contact_id is not None and held.link_standing is Standing.PROVEN
            own = held.visitor_id == visitor_id
            return held.app_id == app_id and (own or (proven and held.contact_id == proven_contact))

        with self._locked() as tables:
            return _page("visible", page, tables.conversations, visible)

    def list_conversations(self, workspace_id: str, page: PageRequest) -> Page[Conversation]:
        """All of a workspace."""
        with self._locked() as tables:
            return _page("conversations", page, tables.conversations, lambda held: held.workspace_id == workspace_id)

    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None:
        """None when it is another workspace's."""
        with self._locked() as tables:
            found = tables.conversations.get(conversation_id)
            return found if found is not None and found.workspace_id == workspace_id else None

    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]:
        """Those of one conversation."""
        with self._locked() as tables:
            return _page("messages", page, tables.messages, lambda held: held.conversation_id == conversation_id)

    @contextmanager
    def _locked(self) -> Generator[Tables]:
        with self._lock:
            if not self._opened:
                raise StoreUnavailable("the store is not open")
            yield self._tables


def _apply_one(tables: Tables, change_set: ChangeSet) -> Applied | StoreConflict:
    journal = Journal()
    try:
        ChangeWriter(tables, journal).write(change_set)
    except Refused as refused:
        journal.take_back()
        return refused.conflict
    except BaseException:
        journal.take_back()
        raise
    return APPLIED


def _searched(contact: Contact) -> Iterator[str]:
    for fact in (*contact.identifiers.values(), *contact.profile.values()):
        yield str(fact.value)


def _newest_first(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(items, key=lambda item: item.id, reverse=True))


def _page(listing: str, request: PageRequest, table: dict[str, T], fits: Callable[[T], bool]) -> Page[T]:
    try:
        last = last_told(listing, request)
    except UnknownCursor:
        return Page(items=(), next=None)
    rest = (item for item in table.values() if (last is None or item.id < last) and fits(item))
    return page_of(listing, request, _newest_first(rest))
