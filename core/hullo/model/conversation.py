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


class Conversation(Value):
    """Started by a visitor in an app; linked to a contact once, with the standing of that moment (L1, L2)."""

    id: ConversationId
    workspace_id: str
    app_id: str
    visitor_id: VisitorId
    created_at: Instant
    last_message_at: Instant
    status: Status = "open"
    contact_id: ContactId | None = None
    link_standing: Standing | None = None
    """None while it has no contact."""
    tags: tuple[str, ...] = ()
    read_at: Instant | None = None
    """Up to when its visitor has read it: never later than `last_message_at`. None in what is older than hullo's memory
    of that: all of it counts as read."""
    version: int = 0

    @property
    def is_unread(self) -> bool:
        """Whether an agent's message came after what the visitor has read. Their own move both times."""
        return self.read_at is not None and self.read_at < self.last_message_at


class Message(Value):
    """One message. `client_id` is the sender's own id of it, given back so that a page can tell its own messages."""

    id: MessageId
    conversation_id: ConversationId
    author: Author
    text: str
    created_at: Instant
    client_id: str | None = None
    repeat_key: str | None = None
    """Digest of sender and `client_id`, unique: what makes a repeat harmless. None without a `client_id`."""
