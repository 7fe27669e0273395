"""See `ContactReads` and `ConversationReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Final

from peewee import SQL, Expression, NodeList

from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.standing import Standing
from hullo.model.visitor import Session, VisitorId
from hullo.store.protocol import ContactFilter, Page, PageRequest
from hullo_stores.paging import page_of
from hullo_stores.peewee.compiler import Compiler, Paged, all_of, given
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.reads.asking import Asking, page_rows
from hullo_stores.peewee.rows import blocks_by_contact, contact_of, conversation_of, message_of, session_of
from hullo_stores.peewee.tables import Contacts, Conversations, CustomData, Identifiers, Messages, Sessions, Tags

QUERY_LONGEST: Final = 4096
"""No value that is searched is longer, and engines limit their patterns."""


class PeopleStatements:
    """Of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = _pages_of_contacts(compiler)
        self.contacts_with = _pages_of_contacts(compiler, "digest")
        self.contacts_tagged = _pages_of_contacts(compiler, "tag")
        self.contacts_with_and_tagged = _pages_of_contacts(compiler, "digest", "tag")
        self.blocks = compiler.many(lambda ids: all_of(CustomData).where(CustomData.contact_id.in_(ids)))
        self.sessions = compiler.paged(
            Sessions.visitor_id,
            ("workspace", "contact"),
            Sessions.workspace_id == given("workspace"),
            Sessions.contact_id == given("contact"),
        )
        self.conversation = compiler.text(all_of(Conversations).where(Conversations.id == given("id")), "id")
        self.conversations = compiler.paged(
            Conversations.id, ("workspace",), Conversations.workspace_id == given("workspace")
        )
        self.conversations_of = compiler.paged(
            Conversations.id,
            ("workspace", "contact"),
            Conversations.workspace_id == given("workspace"),
            Conversations.contact_id == given("contact"),
        )
        self.visible_conversations = compiler.paged(
            Conversations.id,
            ("app", "visitor", "contact", "standing"),
            Conversations.app_id == given("app"),
            (Conversations.visitor_id == given("visitor"))
            | ((Conversations.contact_id == given("contact")) & (Conversations.link_standing == given("standing"))),
        )
        self.messages = compiler.paged(
            Messages.id, ("conversation",), Messages.conversation_id == given("conversation")
        )


def _pages_of_contacts(compiler: Compiler, *conditions: str) -> Paged:
    """Nobody who was merged into another is among them."""
    owners = Identifiers.select(Identifiers.contact_id).where(Identifiers.digest == given("digest"))
    tagged = Tags.select(Tags.contact_id).where(Tags.workspace_id == given("workspace"), Tags.name == given("tag"))
    found = {"digest": Contacts.id.in_(owners), "tag": Contacts.id.in_(tagged)}
    slots = {"digest": ("digest",), "tag": ("workspace", "tag")}
    return compiler.paged(
        Contacts.id,
        ("workspace", *(slot for each in conditions for slot in slots[each]), "text"),
        Contacts.workspace_id == given("workspace"),
        Contacts.merged_into.is_null(),
        *(found[each] for each in conditions),
        # `search` against a pattern of `_like_pattern`.
        Expression(Contacts.search, "ILIKE", NodeList((given("text"), SQL("ESCAPE '!'")))),
    )


class AskedPeople(Asking):
    """Contacts, and what they talk about."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._of_people = self._compiler.once(PeopleStatements)

    def list_contacts(self, wanted: ContactFilter, page: PageRequest) -> Page[Contact]:
        """See `ContactFilter`."""
        if wanted.query is not None and len(wanted.query) > QUERY_LONGEST:
            return Page(items=(), next=None)
        statement, values = self._statement_for(wanted)
        with self._engine.reading() as connection:
            rows = page_rows(connection, "contacts", page, statement, (*values, _like_pattern(wanted.query or "")))
            block_rows = [
                row
                for text, bound in self._of_people.blocks.calls([row[0] for row in rows])
                for row in connection.rows(text, bound)
            ]
        blocks = blocks_by_contact(block_rows)
        return page_of("contacts", page, [contact_of(row, blocks.get(row[0], {})) for row in rows])

    def _statement_for(self, wanted: ContactFilter) -> tuple[Paged, tuple[str, ...]]:
        statements, here = self._of_people, wanted.workspace_id
        if wanted.identifier is None:
            if wanted.tag is None:
                return statements.contacts, (here,)
            return statements.contacts_tagged, (here, here, wanted.tag)
        if wanted.tag is None:
            return statements.contacts_with, (here, wanted.identifier)
        return statements.contacts_with_and_tagged, (here, wanted.identifier, here, wanted.tag)

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Those of one contact."""
        return self._page("sessions", page, session_of, self._of_people.sessions, workspace_id, contact_id)

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """See `ConversationReads` (H1)."""
        # Without a contact NULL is bound, which equals nothing.
        values = (app_id, visitor_id, proven_contact, Standing.PROVEN)
        return self._page("visible", page, conversation_of, self._of_people.visible_conversations, *values)

    def list_conversations(self, workspace_id: str, page: PageRequest) -> Page[Conversation]:
        """All of a workspace."""
        return self._page("conversations", page, conversation_of, self._of_people.conversations, workspace_id)

    def list_conversations_of(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Conversation]:
        """Those of one contact."""
        statement = self._of_people.conversations_of
        return self._page("contact_conversations", page, conversation_of, statement, workspace_id, contact_id)

    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None:
        """None when it is another workspace's."""
        rows = self._rows(self._of_people.conversation, conversation_id)
        found = conversation_of(rows[0]) if rows else None
        return found if found is not None and found.workspace_id == workspace_id else None

    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]:
        """Those of one conversation."""
        return self._page("messages", page, message_of, self._of_people.messages, conversation_id)


def _like_pattern(text: str) -> str:
    """Finds `text` anywhere, whatever it holds. Its escape is no backslash: engines disagree about those."""
    escaped = text.casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
