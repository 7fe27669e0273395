"""Conversations and their messages."""

from __future__ import annotations

from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.instant import Instant
from hullo.model.standing import Standing
from hullo.model.visitor import VisitorId
from hullo.value import Value

ConversationId = str
MessageId = str
Author = Literal["visitor", "agent"]
Status = Literal["open", "closed"]


class Agent(Value):
    """Person who writes to visitors on the site's behalf, as the API key that acts for them names them."""

    name: str
    """Shown to visitors."""
    email: str | None = None


class Conversation(Value):
    """Conversation of a visitor in an app; linked to a contact once, with the standing at that time (L1, L2).

    One that an agent began has a visitor of its own without a session: it is visible through the contact alone (H1).
    """

    id: ConversationId
    workspace_id: str
    app_id: str
    visitor_id: VisitorId
    created_at: Instant
    last_message_at: Instant
    status: Status = "open"
    contact_id: ContactId | None = None
    link_standing: Standing | None = None
    """None without a contact."""
    tags: tuple[str, ...] = ()
    read_at: Instant | None = None
    """Until when the visitor has read it: never later than `last_message_at`. None in records of older versions, which
    count as read."""
    assignee: str | None = None
    """The agent who takes care of it, by a name or an email. None: no agent does."""
    version: int = 0

    @property
    def is_unread(self) -> bool:
        """Return whether an agent wrote after the visitor last read. The visitor's own messages move both times."""
        # None is from before reading was noted: a stored history must not turn unread at an upgrade.
        return self.read_at is not None and self.read_at < self.last_message_at


class Message(Value):
    """One message. `client_id` is the sender's own id of it, returned so that a page recognises its own messages."""

    id: MessageId
    conversation_id: ConversationId
    author: Author
    text: str
    created_at: Instant
    client_id: str | None = None
    repeat_key: str | None = None
    """Digest of sender and `client_id`, unique, which makes repeats harmless. None without a `client_id`."""
    by: str | None = None
    """The writer, as in `Fact.by`. None in records of older versions."""
    agent: Agent | None = None
    """None for a visitor's message, and where the API key named no agent."""
