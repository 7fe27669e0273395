"""Messages as they are stored, and the conversation and events around them: for visitors and agents alike."""

from __future__ import annotations

from hashlib import sha256

from msgspec.structs import replace

from hullo.errors import Conflicting
from hullo.model.change_set import Change, replacement
from hullo.model.conversation import Agent, Author, Conversation, ConversationId, Message
from hullo.model.event import FieldChange
from hullo.model.instant import Instant
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.rules.events import EventBuilder
from hullo.value import Value


class SentMessage(Value):
    """Message with its conversation."""

    conversation: Conversation
    message: Message
    is_repeat: bool = False
    """True where the message was sent before, and nothing is written."""


class Draft(Value):
    """What is to be said, and by whom. `client_id` is the sender's own id of it, by which a repeat is recognised."""

    author: Author
    by: str
    """As in `Fact.by`."""
    text: str
    client_id: str | None
    agent: Agent | None = None

    def message(self, context: RequestContext, conversation_id: ConversationId, repeat_key: str | None) -> Message:
        """Make the message, at the time of the context."""
        return Message(
            id=context.new_id("msg"),
            conversation_id=conversation_id,
            author=self.author,
            text=self.text,
            created_at=context.now,
            client_id=self.client_id,
            repeat_key=repeat_key,
            by=self.by,
            agent=self.agent,
        )


def repeat_key_of(sender: str | None, client_id: str | None) -> str | None:
    """Make the key under which a message is found again. None without a `client_id`."""
    if client_id is None:
        return None
    # NUL separates: a sender is a digest or an id, and holds none. Hashed, as a client's text has any length.
    return sha256(f"{sender}\0{client_id}".encode()).hexdigest()


def find_repeated(
    snapshot: Snapshot, repeat_key: str | None, conversation_id: ConversationId | None
) -> SentMessage | None:
    """Find the message that this one repeats; None for a new one. Raises `Conflicting`."""
    message = snapshot.messages.get(repeat_key) if repeat_key is not None else None
    if message is None:
        return None
    # Not answered with the first message: that one may be in a conversation of another person.
    if conversation_id not in {None, message.conversation_id}:
        raise Conflicting("this client_id was used in another conversation")
    return SentMessage(conversation=snapshot.conversations[message.conversation_id], message=message, is_repeat=True)


def with_new_message(conversation: Conversation, at: Instant, read_at: Instant) -> Change[Conversation]:
    """Note the time of a new message, and open the conversation again if it is closed: agents would not see it."""
    return replacement(conversation, replace(conversation, last_message_at=at, read_at=read_at, status="open"))


def add_message_events(event_builder: EventBuilder, change: Change[Conversation], message: Message) -> None:
    """Add the events of a message, and of the conversation that it begins or opens again."""
    conversation = change.after
    # Without the text and without names: webhooks get ids, and read the message with their own key (P4).
    data = {"conversation_id": conversation.id, "message_id": message.id, "author": message.author, "by": message.by}
    # R4: observers see the conversation before its first message.
    if change.before is None:
        event_builder.add("conversation.created", conversation.contact_id, data)
    elif change.before.status != conversation.status:
        add_update_event(event_builder, change)
    event_builder.add("message.created", conversation.contact_id, data)


def add_update_event(
    event_builder: EventBuilder, change: Change[Conversation], tag_changes: tuple[FieldChange, ...] = ()
) -> None:
    """Add the event of a conversation whose status, assignee or tags have changed."""
    before, after = change.before, change.after
    assert before is not None, "a new conversation is told of as created"
    # Not `last_message_at`: a message has an event of its own.
    changes = [
        FieldChange(field=field, before=getattr(before, field), after=getattr(after, field))
        for field in ("status", "assignee")
        if getattr(before, field) != getattr(after, field)
    ]
    fields = [*(changed.field for changed in changes), *(["tags"] if tag_changes else [])]
    # The assignee is a person's name: only the timeline has it (P4).
    data = {"conversation_id": after.id, "fields": fields, "status": after.status}
    event_builder.add("conversation.updated", after.contact_id, data, (*changes, *tag_changes))
