"""The bodies of responses about conversations and visitors, as agents and their servers see them.

What visitors see is in `schemas`.
"""

from __future__ import annotations

from typing import Annotated, Self

from msgspec import UNSET, Meta, UnsetType

from hullo.api.contact_schemas import ContactResponse
from hullo.api.field_types import AppId, ContactId, StandingLabel, Time, VisitorId, Writer
from hullo.api.schemas import Blocked, ConversationResponse, MessageResponse, ResponseBody
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, Message
from hullo.model.visitor import Session


class AttributedMessageResponse(MessageResponse):
    """A message, as agents see it: with its writer."""

    by: Annotated[Writer | None, Meta(description="Who wrote it; null in records of older versions.")]
    agent_email: Annotated[str | UnsetType, Meta(description="The agent's, where the call named one.")] = UNSET

    @classmethod
    def of(cls, message: Message) -> Self:
        """Describe a message to an API key."""
        agent = message.agent
        # The email is for agents: visitors get the name alone.
        name, email = (agent.name, agent.email) if agent is not None else (None, None)
        return cls.of_same(message, agent_name=name, agent_email=email)


class AttributedConversationResponse(ConversationResponse):
    """A conversation, as agents see it: with the visitor and the contact that it belongs to."""

    app_id: AppId
    visitor_id: VisitorId
    contact_id: Annotated[ContactId | None, Meta(description="null while it has no contact.")]
    standing: Annotated[StandingLabel | None, Meta(description="How sure it is that it is the contact's.")]
    assignee: Annotated[
        str | None, Meta(description="The agent who takes care of it, by name or email; null: no agent does.")
    ]
    tags: Annotated[list[str], Meta(description="In alphabetical order.")]
    read_at: Annotated[
        Time | None, Meta(description="Up to when the visitor has read it; null in records of older versions.")
    ]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Describe a conversation to an API key."""
        return cls.with_parts(conversation)

    @classmethod
    def with_parts(cls, conversation: Conversation, **parts: object) -> Self:
        """Describe a conversation with the fields that a subclass adds."""
        return cls.of_same(
            conversation,
            unread=conversation.is_unread,
            standing=conversation.link_standing,
            tags=sorted(conversation.tags),
            **parts,
        )


class AttributedBegunConversationResponse(AttributedConversationResponse):
    """A conversation that an agent has just begun."""

    messages: Annotated[list[AttributedMessageResponse], Meta(description="The agent's first message.")]

    @classmethod
    def of_first(cls, conversation: Conversation, message: Message) -> Self:
        """Describe a conversation with its first message."""
        return cls.with_parts(conversation, messages=[message])


class VisitorResponse(ResponseBody):
    """One browser profile in one app."""

    id: VisitorId
    blocked: Blocked

    @classmethod
    def of(cls, visitor_id: str, session: Session | None) -> Self:
        """Describe a visitor by its session; None once that is gone."""
        return cls.of_same(session, id=visitor_id, blocked=session.block if session is not None else None)


class DetailedConversationResponse(AttributedConversationResponse):
    """A conversation with all that an agent wants to know before the answer."""

    contact: Annotated[ContactResponse | None, Meta(description="null while it has no contact.")]
    visitor: Annotated[VisitorResponse, Meta(description="The browser that began it.")]
    last_message: Annotated[AttributedMessageResponse | None, Meta(description="null once retention deleted it.")]

    @classmethod
    def of_all(
        cls, conversation: Conversation, contact: Contact | None, session: Session | None, last: Message | None
    ) -> Self:
        """Describe a conversation with what belongs to it. `session` is its visitor's."""
        visitor = VisitorResponse.of(conversation.visitor_id, session)
        return cls.with_parts(conversation, contact=contact, visitor=visitor, last_message=last)
