"""The store on whatever engine it is given. Engines, faults, rows and statements have files of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from hullo.model.app import ApiKey, App, IdentityKey, Workspace
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.instant import Instant
from hullo.model.standing import Standing
from hullo.model.visitor import Session, SessionDigest, VisitorId
from hullo.store.protocol import (
    Applied,
    ContactFilter,
    Page,
    PageRequest,
    Snapshot,
    SnapshotQuery,
    StoreConflict,
)
from hullo_stores.paging import Listed, UnknownCursor, last_told, page_of
from hullo_stores.peewee.applying import apply_group
from hullo_stores.peewee.compiler import Compiler, Paged
from hullo_stores.peewee.connection import Connection, Engine
from hullo_stores.peewee.locking import LockingTurn
from hullo_stores.peewee.rows import (
    Row,
    api_key_of,
    app_of,
    blocks_by_contact,
    call_count_of,
    conflict_of,
    contact_of,
    conversation_of,
    decision_of,
    identity_key_of,
    message_of,
    session_of,
    workspace_of,
)
from hullo_stores.peewee.schema import bring_up_to_date, require_current
from hullo_stores.peewee.statements import QUERY_LONGEST, Statements, like_pattern
from hullo_stores.peewee.upkeep.store import KeptUp

T = TypeVar("T", bound=Listed)


class PeeweeStore(KeptUp):
    """See `Store`. Safe to call from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements = Statements(Compiler(engine.database, engine.dialect))
        self._reads = self._statements.reads
        self._opening = threading.Lock()
        self._opened = False
        self._locked = threading.local()

    shared_between_processes = True

    @property
    def lanes(self) -> int:
        """As the engine says."""
        return self._engine.lanes

    def open(self) -> None:
        """Connects, and brings the schema up to date."""
        with self._opening:
            if self._opened:
                return
            self._engine.open()
            try:
                bring_up_to_date(self._engine)
            except BaseException:
                self._engine.close()
                raise
            self._opened = True

    def close(self) -> None:
        """Disconnects, once the calls that are under way are done."""
        with self._opening:
            self._opened = False
            self._engine.close()

    def check(self) -> None:
        """Raises `StoreUnavailable` unless the database answers and its schema is current."""
        require_current(self._engine)

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """See `Store.load`."""
        if (turn := self._turn()) is not None:
            return turn.load(queries)
        with self._engine.loading() as connection:
            return self._engine.loader.load(connection, queries).snapshots(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`."""
        if (turn := self._turn()) is not None:
            return turn.apply(changes)
        with self._engine.writing() as transaction:
            return apply_group(transaction, self._statements.erasures, changes)

    @contextmanager
    def locking(self) -> Generator[None]:
        """See `Locking`."""
        with self._engine.writing() as transaction:
            self._locked.turn = LockingTurn(transaction, self._engine.loader, self._statements)
            try:
                yield
            finally:
                del self._locked.turn

    def find_app(self, app_id: str) -> App | None:
        """With all its keys, retired ones too."""
        with self._engine.reading() as connection:
            rows = connection.rows(self._reads.app, (app_id,))
            keys = connection.rows(self._reads.identity_keys, (app_id,))
        return app_of(rows[0], map(identity_key_of, keys)) if rows else None

    def list_apps(self) -> Sequence[App]:
        """The newest first."""
        with self._engine.reading() as connection:
            rows = connection.rows(self._reads.all_apps)
            key_rows = connection.rows(self._reads.all_identity_keys)
        keys: dict[str, list[IdentityKey]] = {}
        for key in map(identity_key_of, key_rows):
            keys.setdefault(key.app_id, []).append(key)
        return tuple(app_of(row, keys.get(row[0], ())) for row in rows)

    def list_workspaces(self) -> Sequence[Workspace]:
        """The newest first."""
        return tuple(map(workspace_of, self._rows(self._reads.all_workspaces)))

    def find_api_key(self, digest: str) -> ApiKey | None:
        """By the digest of its secret; revoked ones too."""
        rows = self._rows(self._reads.api_key, digest)
        return api_key_of(rows[0]) if rows else None

    def list_api_keys(self) -> Sequence[ApiKey]:
        """The newest first."""
        return tuple(map(api_key_of, self._rows(self._reads.all_api_keys)))

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Revoked and expired ones too."""
        rows = self._rows(self._reads.session, digest)
        return session_of(rows[0]) if rows else None

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """The oldest first."""
        return tuple(map(call_count_of, self._rows(self._reads.call_counts, app_id, since)))

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """None when it is another workspace's."""
        query = SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=(contact_id,))
        return self.load([query])[0].contacts.get(contact_id)

    def list_contacts(self, wanted: ContactFilter, page: PageRequest) -> Page[Contact]:
        """See `ContactFilter`."""
        if wanted.query is not None and len(wanted.query) > QUERY_LONGEST:
            return Page(items=(), next=None)
        pattern = like_pattern(wanted.query or "")
        if wanted.identifier is None:
            statement, values = self._reads.page_of_contacts, [wanted.workspace_id, pattern]
        else:
            statement = self._reads.page_of_contacts_with
            values = [wanted.workspace_id, wanted.identifier, pattern]
        with self._engine.reading() as connection:
            rows = _page_rows(connection, "contacts", page, statement, values)
            block_rows = [
                row
                for text, bound in self._reads.blocks.calls([row[0] for row in rows])
                for row in connection.rows(text, bound)
            ]
        blocks = blocks_by_contact(block_rows)
        return page_of("contacts", page, [contact_of(row, blocks.get(row[0], {})) for row in rows])

    def list_decisions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[DecisionRecord]:
        """Those about one contact."""
        statement = self._reads.page_of_decisions
        return self._page("decisions", page, decision_of, statement, workspace_id, contact_id)

    def list_conflicts(self, workspace_id: str, page: PageRequest) -> Page[Conflict]:
        """The open ones."""
        statement = self._reads.page_of_conflicts
        return self._page("conflicts", page, conflict_of, statement, workspace_id, "open")

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Those of one contact."""
        statement = self._reads.page_of_sessions
        return self._page("sessions", page, session_of, statement, workspace_id, contact_id)

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """See `ConversationReads` (H1)."""
        statement = self._reads.page_of_visible_conversations
        # Without a contact NULL is bound, which equals nothing.
        values = (app_id, visitor_id, proven_contact, Standing.PROVEN)
        return self._page("visible", page, conversation_of, statement, *values)

    def list_conversations(self, workspace_id: str, page: PageRequest) -> Page[Conversation]:
        """All of a workspace."""
        statement = self._reads.page_of_conversations
        return self._page("conversations", page, conversation_of, statement, workspace_id)

    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None:
        """None when it is another workspace's."""
        rows = self._rows(self._reads.conversation, conversation_id)
        found = conversation_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]:
        """Those of one conversation."""
        return self._page("messages", page, message_of, self._reads.page_of_messages, conversation_id)

    def _turn(self) -> LockingTurn | None:
        """Of this thread, while it is inside `locking`."""
        return getattr(self._locked, "turn", None)

    def _rows(self, text: str, *values: object) -> list[Row]:
        with self._engine.asking() as connection:
            return connection.rows(text, values)

    def _page(
        self,
        listing: str,
        request: PageRequest,
        item_of: Callable[[Row], T],
        statement: Paged,
        *values: object,
    ) -> Page[T]:
        with self._engine.asking() as connection:
            rows = _page_rows(connection, listing, request, statement, values)
        return page_of(listing, request, [item_of(row) for row in rows])


def _page_rows(
    connection: Connection, listing: str, request: PageRequest, statement: Paged, values: Sequence[object]
) -> list[Row]:
    """One more than the page holds, which tells whether there is another page."""
    try:
        last = last_told(listing, request)
    except UnknownCursor:
        return []
    if last is None:
        return connection.rows(statement.first, (*values, request.limit + 1))
    return connection.rows(statement.next, (*values, last, request.limit + 1))
