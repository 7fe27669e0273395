"""See `ContactReads` and `ConversationReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from msgspec.structs import replace
from peewee import Field

from hullo.errors import StoreUnavailable
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.search import SearchQuery, search_text
from hullo.model.standing import Standing
from hullo.model.visitor import Session, VisitorId
from hullo.store.protocol import ContactFilter, ConversationFilter, Page, PageRequest
from hullo_stores.paging import UnknownCursor, build_page, parse_cursor
from hullo_stores.peewee.compiler import Compiler, PageStatement, parameter, select_all
from hullo_stores.peewee.connection import Connection, Engine
from hullo_stores.peewee.faults import TookTooLong
from hullo_stores.peewee.reads.queries import Queries, fetch_page
from hullo_stores.peewee.rows.contacts import blocks_by_contact, contact_of, conversation_of, message_of, session_of
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.search.finding import ContactFinder, ContactSearch
from hullo_stores.peewee.tables import Contacts, Conversations, CustomData, Identifiers, Messages, Sessions, Tags

_CONVERSATION_COLUMNS: Final[tuple[Field, ...]] = (
    Conversations.contact_id,
    Conversations.app_id,
    Conversations.status,
    Conversations.assignee,
)
"""The columns of a `ConversationFilter`."""


class ContactStatements:
    """Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = _pages_of_contacts(compiler)
        self.contacts_by_identifier = _pages_of_contacts(compiler, "digest")
        self.contacts_by_tag = _pages_of_contacts(compiler, "tag")
        self.contacts_by_identifier_and_tag = _pages_of_contacts(compiler, "digest", "tag")
        self.contacts_by_id = compiler.select_by(Contacts.id)
        self.blocks = compiler.select_by(CustomData.contact_id)
        self.sessions = compiler.page_by(Sessions.visitor_id, Sessions.workspace_id, Sessions.contact_id)
        self.conversation = compiler.compile(select_all(Conversations).where(Conversations.id == parameter("id")), "id")
        self.visitor_session = compiler.compile(
            select_all(Sessions).where(Sessions.visitor_id == parameter("visitor")), "visitor"
        )
        self.conversations: dict[tuple[str, ...], PageStatement] = {
            # By name: fields cannot be keys, as `==` of two makes a condition.
            tuple(column.name for column in columns): compiler.page_by(
                Conversations.id, Conversations.workspace_id, *columns
            )
            for count in range(len(_CONVERSATION_COLUMNS) + 1)
            for columns in combinations(_CONVERSATION_COLUMNS, count)
        }
        self.visible_conversations = compiler.page_statement(
            Conversations.id,
            ("app", "visitor", "contact", "standing"),
            Conversations.app_id == parameter("app"),
            (Conversations.visitor_id == parameter("visitor"))
            | (
                (Conversations.contact_id == parameter("contact"))
                & (Conversations.link_standing == parameter("standing"))
            ),
        )
        self.messages = compiler.page_by(Messages.id, Messages.conversation_id)


def _pages_of_contacts(compiler: Compiler, *conditions: str) -> PageStatement:
    """Compile the list of unmerged contacts under these conditions."""
    owners = Identifiers.select(Identifiers.contact_id).where(Identifiers.digest == parameter("digest"))
    tagged = Tags.select(Tags.contact_id).where(
        Tags.workspace_id == parameter("workspace"), Tags.name == parameter("tag")
    )
    found = {"digest": Contacts.id.in_(owners), "tag": Contacts.id.in_(tagged)}
    slots = {"digest": ("digest",), "tag": ("workspace", "tag")}
    return compiler.page_statement(
        Contacts.id,
        ("workspace", *(slot for condition in conditions for slot in slots[condition])),
        Contacts.workspace_id == parameter("workspace"),
        Contacts.merged_into.is_null(),
        *(found[condition] for condition in conditions),
    )


class ContactQueries(Queries):
    """Reads of contacts and their conversations."""

    _finder: ContactFinder
    """Set when the store is opened."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._contact_statements = self._compiler.cached(ContactStatements)

    def list_contacts(self, criteria: ContactFilter, page: PageRequest) -> Page[Contact]:
        """Return a page of the contacts that meet the criteria. See `ContactFilter`."""
        query = SearchQuery.parse(criteria.query) if criteria.query else None
        if query is not None and criteria.identifier is None:
            return self._search_contacts(criteria, query, page)
        statement, values = self._statement_for(criteria)
        with self._engine.read_transaction() as connection:
            contacts = self._with_blocks(connection, fetch_page(connection, "contacts", page, statement, values))
        found = build_page("contacts", page, contacts)
        if query is None:
            return found
        # An identifier is one contact's: there is nothing to search in.
        return replace(found, items=tuple(held for held in found.items if query.matches(search_text(held))))

    def _search_contacts(self, criteria: ContactFilter, query: SearchQuery, page: PageRequest) -> Page[Contact]:
        try:
            last = parse_cursor("contacts", page)
        except UnknownCursor:
            return Page(items=(), next=None)
        search = ContactSearch(workspace_id=criteria.workspace_id, query=query, tag=criteria.tag, last=last)
        try:
            with self._engine.search_transaction() as connection:
                ids = self._finder.find(connection, search, page.limit + 1)
                rows = [
                    row
                    for text, bound in self._contact_statements.contacts_by_id.bind(ids)
                    for row in connection.rows(text, bound)
                ]
                contacts = self._with_blocks(connection, sorted(rows, key=lambda row: str(row[0]), reverse=True))
        except TookTooLong as fault:
            raise StoreUnavailable(
                "the search took too long and was given up; search for a longer word, or for more words"
            ) from fault
        return build_page("contacts", page, contacts)

    def _with_blocks(self, connection: Connection, rows: Sequence[Row]) -> list[Contact]:
        """Build contacts with the custom data of every app."""
        block_rows = [
            row
            for text, bound in self._contact_statements.blocks.bind([row[0] for row in rows])
            for row in connection.rows(text, bound)
        ]
        blocks = blocks_by_contact(block_rows)
        return [contact_of(row, blocks.get(row[0], {})) for row in rows]

    def _statement_for(self, wanted: ContactFilter) -> tuple[PageStatement, tuple[str, ...]]:
        statements, here = self._contact_statements, wanted.workspace_id
        if wanted.identifier is None:
            if wanted.tag is None:
                return statements.contacts, (here,)
            return statements.contacts_by_tag, (here, here, wanted.tag)
        if wanted.tag is None:
            return statements.contacts_by_identifier, (here, wanted.identifier)
        return statements.contacts_by_identifier_and_tag, (here, wanted.identifier, here, wanted.tag)

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Return a page of the contact's sessions."""
        return self._page("sessions", page, session_of, self._contact_statements.sessions, workspace_id, contact_id)

    def find_visitor_session(self, workspace_id: str, visitor_id: VisitorId) -> Session | None:
        """Return the visitor's session. None once it was deleted, or if it belongs to another workspace."""
        held = map(session_of, self._rows(self._contact_statements.visitor_session, visitor_id))
        return next((session for session in held if session.workspace_id == workspace_id), None)

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """Return a page of what the visitor may see (H1). See `ConversationReads`."""
        # Without a contact NULL is bound, which equals no row (H1).
        values = (app_id, visitor_id, proven_contact, Standing.PROVEN)
        return self._page("visible", page, conversation_of, self._contact_statements.visible_conversations, *values)

    def list_conversations(self, criteria: ConversationFilter, page: PageRequest) -> Page[Conversation]:
        """Return a page of the conversations that meet the criteria. See `ConversationFilter`."""
        wanted = (criteria.contact_id, criteria.app_id, criteria.status, criteria.assignee)
        given = {
            column.name: value for column, value in zip(_CONVERSATION_COLUMNS, wanted, strict=True) if value is not None
        }
        statement = self._contact_statements.conversations[tuple(given)]
        return self._page("conversations", page, conversation_of, statement, criteria.workspace_id, *given.values())

    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None:
        """Return the conversation. None if there is none, or if it belongs to another workspace."""
        rows = self._rows(self._contact_statements.conversation, conversation_id)
        found = conversation_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]:
        """Return a page of the conversation's messages, newest first."""
        return self._page("messages", page, message_of, self._contact_statements.messages, conversation_id)
