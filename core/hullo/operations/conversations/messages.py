"""Messages of visitors: a visitor writes and reads (rules L3, H1). Those of agents are in `agent_messages`."""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from hullo.errors import NotFound, SessionRequired
from hullo.model.app import App
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.operations.conversations.message_records import (
    Draft,
    SentMessage,
    add_message_events,
    find_repeated,
    repeat_key_of,
    with_new_message,
)
from hullo.operations.sessions.open_session import OpenSession
from hullo.rules import session_lifecycle
from hullo.rules.blocking import require_not_blocked
from hullo.rules.events import EventBuilder
from hullo.rules.origins import check_origin
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value


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
        repeat_key = repeat_key_of(self.open_session.session_digest, self.client_id)
        query = SnapshotQuery(
            workspace_id=app.workspace_id,
            app_id=app.id,
            session=self.open_session.session_digest,
            conversations=(self.conversation_id,) if self.conversation_id is not None else (),
            repeat_keys=(repeat_key,) if repeat_key is not None else (),
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, repeat_key, snapshot), app=app)

    def _decide(self, app: App, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Add the message. Raises `SessionRevoked`, `Blocked`, and `NotFound` for a conversation that this visitor may
        not see."""
        context = self.open_session.context
        session = session_lifecycle.validate_session(snapshot, self.open_session.session_digest, app.id, context.now)
        if session is None:
            raise SessionRequired
        # Before a repeat is answered: a blocked visitor gets one answer to every message.
        require_not_blocked(session, snapshot.contacts.values())
        # S3: a visitor with a conversation is remembered like an identified one.
        session_update = session_lifecycle.extend(session_lifecycle.refresh(session, context.now), context.now)
        repeated = find_repeated(snapshot, repeat_key, self.conversation_id)
        if repeated is not None:  # W9: a repeat renews the session only
            return Decision(result=repeated, change_set=ChangeSet(sessions=session_update.session_changes))
        if self.conversation_id is None:
            change = insertion(_new_conversation(app, session, context))
        else:
            conversation = _require_visible(snapshot, self.conversation_id, session)
            # Clocks of processes differ, and messages are listed in the order of ids.
            context = context.at_least(conversation.last_message_at)
            # Writing implies having read: the visitor sees the conversation.
            change = with_new_message(conversation, context.now, read_at=context.now)
        writer = f"visitor:{session.visitor_id}"
        draft = Draft(author="visitor", by=writer, text=self.text, client_id=self.client_id)
        # From the same context as the conversation's time, so that the two never disagree.
        message = draft.message(context, change.after.id, repeat_key)
        event_builder = EventBuilder(context, app.workspace_id, app_id=app.id, by=writer)
        add_message_events(event_builder, change, message)
        return Decision(
            result=SentMessage(conversation=change.after, message=message),
            change_set=ChangeSet(
                sessions=session_update.session_changes,
                conversations=(change,),
                messages=(message,),
                events=event_builder.events,
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


class AgentCaller(Protocol):
    """What acts for agents: an API key, or the operator at the command line."""

    @property
    def id(self) -> str:
        """Return what numbers its own messages (`client_id`)."""
        ...

    @property
    def workspace_id(self) -> str: ...
    @property
    def app_id(self) -> str | None:
        """Return the only app that it may act in. None: in every app of the workspace."""
        ...

    @property
    def writer(self) -> str:
        """Return the name under which it writes (`Fact.by`)."""
        ...


def is_answerable_with(conversation: Conversation, key: AgentCaller) -> bool:
    """Return whether this key of the same workspace may read and answer it: a key of one app, in that app only."""
    return key.app_id in {None, conversation.app_id}


def require_answerable(snapshot: Snapshot, conversation_id: ConversationId, key: AgentCaller) -> Conversation:
    """Return the conversation. Raises `NotFound` for one of another workspace, or of another app than the key's."""
    conversation = snapshot.conversations.get(conversation_id)
    # One error for both: a key of one app must not learn what other apps have.
    if conversation is None or not is_answerable_with(conversation, key):
        raise NotFound("no such conversation")
    return conversation


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
