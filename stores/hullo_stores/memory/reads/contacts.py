"""See `ContactReads` and `ConversationReads`."""

from __future__ import annotations

from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.merge import RelatedCounts
from hullo.model.search import SearchQuery, search_text
from hullo.model.standing import Standing
from hullo.model.visitor import Session, VisitorId
from hullo.store.protocol import ContactFilter, ConversationFilter, Page, PageRequest
from hullo_stores.memory.reads.queries import MemoryQueries, page_where
from hullo_stores.memory.tables import with_absorbed


class MemoryContactQueries(MemoryQueries):
    """Reads of contacts and their conversations."""

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """Return the contact. None if there is none, or if it belongs to another workspace."""
        with self._locked() as tables:
            contact = tables.contacts.get(contact_id)
            return contact if contact is not None and contact.workspace_id == workspace_id else None

    def list_contacts(self, criteria: ContactFilter, page: PageRequest) -> Page[Contact]:
        """Return a page of the contacts that meet the criteria. See `ContactFilter`."""
        query = SearchQuery.parse(criteria.query) if criteria.query else None

        def fits(contact: Contact) -> bool:
            return (
                contact.workspace_id == criteria.workspace_id
                and contact.merged_into is None
                and (criteria.identifier is None or criteria.identifier in contact.identifier_digests())
                and (criteria.tag is None or criteria.tag in contact.tags)
                and (query is None or query.matches(search_text(contact)))
            )

        with self._locked() as tables:
            return page_where("contacts", page, tables.contacts.values(), fits)

    def list_sessions(self, workspace_id: str, contact_id: ContactId, page: PageRequest) -> Page[Session]:
        """Return a page of the contact's sessions."""
        with self._locked() as tables:
            return page_where(
                "sessions",
                page,
                tables.sessions.values(),
                lambda held: held.workspace_id == workspace_id and held.contact_id == contact_id,
            )

    def find_visitor_session(self, workspace_id: str, visitor_id: VisitorId) -> Session | None:
        """Return the visitor's session. None once it was deleted, or if it belongs to another workspace."""
        with self._locked() as tables:
            held = (session for session in tables.sessions.values() if session.visitor_id == visitor_id)
            return next((session for session in held if session.workspace_id == workspace_id), None)

    def count_related(self, workspace_id: str, contact_id: ContactId) -> RelatedCounts:
        """Count what belongs to the contact and to those it absorbed. All 0 if there is no such contact."""
        with self._locked() as tables:
            people = {
                person_id
                for person_id in with_absorbed(tables, contact_id)
                if person_id in tables.contacts and tables.contacts[person_id].workspace_id == workspace_id
            }
            return RelatedCounts(
                people=len(people),
                conversations=sum(held.contact_id in people for held in tables.conversations.values()),
                sessions=sum(held.contact_id in people for held in tables.sessions.values()),
                events=sum(held.contact_id in people for held in tables.timeline.values()),
                notes=sum(held.subject_id in people for held in tables.notes.values()),
            )

    def list_visible_conversations(
        self, visitor_id: VisitorId, app_id: str, proven_contact: ContactId | None, page: PageRequest
    ) -> Page[Conversation]:
        """Return a page of what the visitor may see (H1). See `ConversationReads`."""

        def visible(held: Conversation) -> bool:
            proven = held.contact_id is not None and held.link_standing is Standing.PROVEN
            own = held.visitor_id == visitor_id
            return held.app_id == app_id and (own or (proven and held.contact_id == proven_contact))

        with self._locked() as tables:
            return page_where("visible", page, tables.conversations.values(), visible)

    def list_conversations(self, criteria: ConversationFilter, page: PageRequest) -> Page[Conversation]:
        """Return a page of the conversations that meet the criteria. See `ConversationFilter`."""

        def fits(held: Conversation) -> bool:
            return (
                held.workspace_id == criteria.workspace_id
                and criteria.app_id in {None, held.app_id}
                and criteria.contact_id in {None, held.contact_id}
                and criteria.status in {None, held.status}
                and criteria.assignee in {None, held.assignee}
            )

        with self._locked() as tables:
            return page_where("conversations", page, tables.conversations.values(), fits)

    def find_conversation(self, workspace_id: str, conversation_id: ConversationId) -> Conversation | None:
        """Return the conversation. None if there is none, or if it belongs to another workspace."""
        with self._locked() as tables:
            found = tables.conversations.get(conversation_id)
            return found if found is not None and found.workspace_id == workspace_id else None

    def list_messages(self, conversation_id: ConversationId, page: PageRequest) -> Page[Message]:
        """Return a page of the conversation's messages, newest first."""
        with self._locked() as tables:
            held = tables.messages.values()
            return page_where("messages", page, held, lambda message: message.conversation_id == conversation_id)
