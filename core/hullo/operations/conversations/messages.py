"""Messages: a visitor writes, an agent replies, the visitor reads (rules L3, H1)."""

from __future__ import annotations

from hashlib import sha256

from msgspec.structs import replace

from hullo.errors import Conflicting, NotFound, SessionRequired
from hullo.model.app import ApiKey, App
from hullo.model.change_set import Change, ChangeSet, insertion, replacement
from hullo.model.conversation import Author, Conversation, ConversationId, Message
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.instant import Instant
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.model.visitor import Session, SessionDigest
from hullo.operations.sessions.open_session import OpenSession
from hullo.rules import session_lifecycle
from hullo.rules.events import EventBuilder
from hullo.rules.origins import check_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


class SentMessage(Value):
    """Message with its conversation."""

    conversation: Conversation
    message: Message


class SendMessage(Value):
    """Message of a visitor, in a conversation, or in a new one when `conversation_id` is None.

    A repeat, by `client_id`, writes nothing and returns the first message.
    """

    open_session: OpenSession
    conversation_id: ConversationId | None
    text: str
    client_id: str | None

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:
        """Check app and origin. Raises `UnknownApp`, `BadOrigin`, `SessionRequired`."""
        # S1: only a token proves a session; a message never makes one.
        if self.open_session.session_digest is None:
            raise SessionRequired
        return apps.with_fresh_retry(self.open_session.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[SentMessage]:
        check_origin(self.open_session.origin, app)
        # Per session: another visitor may use the same `client_id`, and must not get this one's message.
        repeat_key = _repeat_key(self.open_session.session_digest, self.client_id)
        query = _snapshot_query(
            app.workspace_id, app.id, self.conversation_id, repeat_key, self.open_session.session_digest
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, repeat_key, snapshot), app=app)

    def _decide(self, app: App, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Add the message. Raises `SessionRevoked`, and `NotFound` for a conversation that this visitor may not see."""
        context = self.open_session.context
        session = session_lifecycle.validate_session(snapshot, self.open_session.session_digest, app.id, context.now)
        if session is None:
            raise SessionRequired
        # S3: a visitor with a conversation is remembered like an identified one.
        session_update = session_lifecycle.extend(session_lifecycle.refresh(session, context.now), context.now)
        repeated = _find_repeated(snapshot, repeat_key, self.conversation_id)
        if repeated is not None:  # W9: a repeat renews the session only
            return Decision(result=repeated, change_set=ChangeSet(sessions=session_update.session_changes))
        if self.conversation_id is None:
            change = insertion(_new_conversation(app, session, context))
        else:
            conversation = _require_visible(snapshot, self.conversation_id, session)
            # Clocks of processes differ, and messages are listed in the order of ids.
            context = context.at_least(conversation.last_message_at)
            # Writing implies having read: the visitor sees the conversation.
            change = _with_new_message(conversation, context, read_at=context.now)
        # From the same context as the conversation's time, so that the two never disagree.
        message = _new_message(context, change.after.id, "visitor", self.text, self.client_id, repeat_key)
        return Decision(
            result=SentMessage(conversation=change.after, message=message),
            change_set=ChangeSet(
                sessions=session_update.session_changes,
                conversations=(change,),
                messages=(message,),
                events=_message_events(context, change, message),
            ),
        )


class SendAgentReply(Value):
    """Reply of an agent in a conversation of the workspace, through an API key."""

    key: ApiKey
    conversation_id: ConversationId
    text: str
    client_id: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:  # noqa: ARG002 - the key identifies the caller
        """Build the query. The caller has checked the API key."""
        # Per key: two servers may number their messages alike.
        repeat_key = _repeat_key(self.key.id, self.client_id)
        query = _snapshot_query(self.key.workspace_id, self.key.app_id, self.conversation_id, repeat_key)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(repeat_key, snapshot))

    def _decide(self, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Add the reply. Raises `NotFound` for a conversation of another workspace, or of another app than the
        key's."""
        # Before any write: a retry after a lost answer must not add a second message.
        repeated = _find_repeated(snapshot, repeat_key, self.conversation_id)
        if repeated is not None:
            return Decision(result=repeated)
        conversation = snapshot.conversations.get(self.conversation_id)
        if conversation is None or not is_answerable_with(conversation, self.key):
            raise NotFound("no such conversation")
        context = self.context.at_least(conversation.last_message_at)
        # None in records of older versions, which count as read up to the last message.
        change = _with_new_message(
            conversation,
            context,
            conversation.read_at if conversation.read_at is not None else conversation.last_message_at,
        )
        message = _new_message(context, conversation.id, "agent", self.text, self.client_id, repeat_key)
        return Decision(
            result=SentMessage(conversation=change.after, message=message),
            change_set=ChangeSet(
                conversations=(change,), messages=(message,), events=_message_events(context, change, message)
            ),
        )


class MarkRead(Value):
    """Mark a conversation as read up to its last message. Without unread messages nothing is written (W9)."""

    open_session: OpenSession
    conversation_id: ConversationId

    def prepare(self, apps: Apps) -> PreparedOperation[Conversation]:
        """Resume the session, with the same errors."""
        resumed = self.open_session.prepare(apps)
        return PreparedOperation(
            query=replace(resumed.query, conversations=(self.conversation_id,)),
            decide=lambda snapshot: self._decide(resumed.decide(snapshot), snapshot),
            app=resumed.app,
        )

    def _decide(self, session_decision: Decision[SessionUpdate], snapshot: Snapshot) -> Decision[Conversation]:
        """Mark it read. Raises `NotFound` for a conversation that this visitor may not see."""
        conversation = _require_visible(snapshot, self.conversation_id, session_decision.result.session)
        # W9: a page may report the same reading many times.
        if not conversation.is_unread:
            return Decision(result=conversation, change_set=session_decision.change_set)
        # Up to the last message, not now: a message that comes in between stays unread.
        change = replacement(conversation, replace(conversation, read_at=conversation.last_message_at))
        return Decision(result=change.after, change_set=replace(session_decision.change_set, conversations=(change,)))


def is_answerable_with(conversation: Conversation, key: ApiKey) -> bool:
    """Return whether this key of the same workspace may read and answer it: a key of one app, in that app only."""
    return key.app_id in {None, conversation.app_id}


def is_visible_to(conversation: Conversation, session: Session) -> bool:
    """Return whether this session may read and continue it (H1): its own, or a proven contact's whose link is
    proven."""
    # H1: never across apps, even for a proven contact.
    if conversation.app_id != session.app_id:
        return False
    # Its own needs no proof: this browser has written it.
    if conversation.visitor_id == session.visitor_id:
        return True
    return (
        # Both sides: a claimed link could have been made by a visitor who only knew the email (H1).
        session.is_proven
        and conversation.contact_id is not None
        and conversation.contact_id == session.contact_id
        and conversation.link_standing is Standing.PROVEN
    )


def _require_visible(snapshot: Snapshot, conversation_id: ConversationId, session: Session) -> Conversation:
    """Return the conversation. Raises `NotFound` if this session may not see it."""
    conversation = snapshot.conversations.get(conversation_id)
    # H1: "not visible" and "does not exist" look the same to the caller.
    if conversation is None or not is_visible_to(conversation, session):
        raise NotFound("no such conversation")
    return conversation


def _snapshot_query(
    workspace_id: str,
    app_id: str | None,
    conversation_id: ConversationId | None,
    repeat_key: str | None,
    session_digest: SessionDigest | None = None,
) -> SnapshotQuery:
    return SnapshotQuery(
        workspace_id=workspace_id,
        app_id=app_id,
        session=session_digest,
        conversations=(conversation_id,) if conversation_id is not None else (),
        repeat_keys=(repeat_key,) if repeat_key is not None else (),
    )


def _repeat_key(sender: str | None, client_id: str | None) -> str | None:
    if client_id is None:
        return None
    # NUL separates: a sender is a digest or an id, and holds none. Hashed, as a client's text has any length.
    return sha256(f"{sender}\0{client_id}".encode()).hexdigest()


def _find_repeated(
    snapshot: Snapshot, repeat_key: str | None, conversation_id: ConversationId | None
) -> SentMessage | None:
    """Find the message that this one repeats; None for a new one. Raises `Conflicting`."""
    message = snapshot.messages.get(repeat_key) if repeat_key is not None else None
    if message is None:
        return None
    # Not answered with the first message: that one may be in a conversation of another person.
    if conversation_id not in {None, message.conversation_id}:
        raise Conflicting("this client_id was used in another conversation")
    return SentMessage(conversation=snapshot.conversations[message.conversation_id], message=message)


def _new_conversation(app: App, session: Session, context: RequestContext) -> Conversation:
    """Make a conversation; it belongs to the visitor's contact from the start, when there is one (L3)."""
    return Conversation(
        id=context.new_id("cnv"),
        workspace_id=app.workspace_id,
        app_id=app.id,
        visitor_id=session.visitor_id,
        created_at=context.now,
        last_message_at=context.now,
        # It starts as read: its first message is the visitor's own.
        read_at=context.now,
        contact_id=session.contact_id,
        # The link remembers the standing of now; a later proof raises it (L2).
        link_standing=session.standing if session.contact_id is not None else None,
    )


def _with_new_message(conversation: Conversation, context: RequestContext, read_at: Instant) -> Change[Conversation]:
    # A new message opens a closed conversation again, or agents would not see it.
    return replacement(conversation, replace(conversation, last_message_at=context.now, read_at=read_at, status="open"))


def _new_message(
    context: RequestContext,
    conversation_id: ConversationId,
    author: Author,
    text: str,
    client_id: str | None,
    repeat_key: str | None,
) -> Message:
    return Message(
        id=context.new_id("msg"),
        conversation_id=conversation_id,
        author=author,
        text=text,
        created_at=context.now,
        client_id=client_id,
        repeat_key=repeat_key,
    )


def _message_events(context: RequestContext, change: Change[Conversation], message: Message) -> tuple[Event, ...]:
    conversation = change.after
    # Without the text: webhooks get ids, and read the message with their own key (P4).
    data = {"conversation_id": conversation.id, "message_id": message.id}
    event_builder = EventBuilder(context, conversation.workspace_id, app_id=conversation.app_id)
    # R4: observers see the conversation before its first message.
    if change.before is None:
        event_builder.add("conversation.created", conversation.contact_id, data)
    event_builder.add("message.created", conversation.contact_id, data)
    return event_builder.events
