"""Messages: a visitor starts or continues a conversation, an agent answers, the visitor reads it (rules L3, H1)."""

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
    """A message and the conversation it is in."""

    conversation: Conversation
    message: Message


class SendMessage(Value):
    """A visitor says something: in a conversation, or in a new one when `conversation_id` is None.

    A repeat, by `client_id`, writes nothing and is answered with the first message.
    """

    open_session: OpenSession
    conversation_id: ConversationId | None
    text: str
    client_id: str | None

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:
        """Raises `UnknownApp`, `BadOrigin`, `SessionRequired`."""
        if self.open_session.session_digest is None:
            raise SessionRequired
        return apps.with_fresh_retry(self.open_session.app_key, self._prepare)

    def _prepare(self, app: App) -> PreparedOperation[SentMessage]:
        check_origin(self.open_session.origin, app)
        repeat_key = _repeat_key(self.open_session.session_digest, self.client_id)
        query = _snapshot_query(
            app.workspace_id, app.id, self.conversation_id, repeat_key, self.open_session.session_digest
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(app, repeat_key, snapshot), app=app)

    def _decide(self, app: App, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Raises `SessionRevoked`, and `NotFound` for a conversation that this visitor may not see."""
        moment = self.open_session.context
        session = session_lifecycle.validate_session(snapshot, self.open_session.session_digest, app.id, moment.now)
        if session is None:
            raise SessionRequired
        visit = session_lifecycle.extend(session_lifecycle.refresh(session, moment.now), moment.now)
        earlier = _find_repeated(snapshot, repeat_key, self.conversation_id)
        if earlier is not None:
            return Decision(result=earlier, change_set=ChangeSet(sessions=visit.session_changes))
        if self.conversation_id is None:
            change = insertion(_new_conversation(app, session, moment))
        else:
            known = _require_visible(snapshot, self.conversation_id, session)
            moment = moment.at_least(known.last_message_at)
            change = _with_new_message(known, moment, read_at=moment.now)
        message = _new_message(moment, change.after.id, "visitor", self.text, self.client_id, repeat_key)
        return Decision(
            result=SentMessage(conversation=change.after, message=message),
            change_set=ChangeSet(
                sessions=visit.session_changes,
                conversations=(change,),
                messages=(message,),
                events=_message_events(moment, change, message),
            ),
        )


class SendAgentReply(Value):
    """An agent answers in a conversation of the workspace, through an API key."""

    key: ApiKey
    conversation_id: ConversationId
    text: str
    client_id: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[SentMessage]:  # noqa: ARG002 - the key says who is calling
        """Refuses nothing: the key was checked by whoever took the call."""
        repeat_key = _repeat_key(self.key.id, self.client_id)
        query = _snapshot_query(self.key.workspace_id, self.key.app_id, self.conversation_id, repeat_key)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(repeat_key, snapshot))

    def _decide(self, repeat_key: str | None, snapshot: Snapshot) -> Decision[SentMessage]:
        """Raises `NotFound` for a conversation of another workspace, or of another app than the key's."""
        earlier = _find_repeated(snapshot, repeat_key, self.conversation_id)
        if earlier is not None:
            return Decision(result=earlier)
        known = snapshot.conversations.get(self.conversation_id)
        if known is None or not is_answerable_with(known, self.key):
            raise NotFound("no such conversation")
        moment = self.context.at_least(known.last_message_at)
        # What was there before anybody noted how far it was read counts as read.
        change = _with_new_message(known, moment, known.read_at if known.read_at is not None else known.last_message_at)
        message = _new_message(moment, known.id, "agent", self.text, self.client_id, repeat_key)
        return Decision(
            result=SentMessage(conversation=change.after, message=message),
            change_set=ChangeSet(
                conversations=(change,), messages=(message,), events=_message_events(moment, change, message)
            ),
        )


class MarkRead(Value):
    """A visitor has read a conversation, up to its last message. Where nothing is unread, nothing is written (W9)."""

    open_session: OpenSession
    conversation_id: ConversationId

    def prepare(self, apps: Apps) -> PreparedOperation[Conversation]:
        """Raises what resuming the session raises."""
        resumed = self.open_session.prepare(apps)
        return PreparedOperation(
            query=replace(resumed.query, conversations=(self.conversation_id,)),
            decide=lambda snapshot: self._decide(resumed.decide(snapshot), snapshot),
            app=resumed.app,
        )

    def _decide(self, session_decision: Decision[SessionUpdate], snapshot: Snapshot) -> Decision[Conversation]:
        """Raises `NotFound` for a conversation that this visitor may not see."""
        known = _require_visible(snapshot, self.conversation_id, session_decision.result.session)
        if not known.is_unread:
            return Decision(result=known, change_set=session_decision.change_set)
        change = replacement(known, replace(known, read_at=known.last_message_at))
        return Decision(result=change.after, change_set=replace(session_decision.change_set, conversations=(change,)))


def is_answerable_with(conversation: Conversation, key: ApiKey) -> bool:
    """Whether this key, which is of the same workspace, may read and answer it: one of an app, in that app only."""
    return key.app_id in {None, conversation.app_id}


def is_visible_to(conversation: Conversation, session: Session) -> bool:
    """Whether this session may read and continue it (H1): its own, or a proven contact's whose link is proven."""
    if conversation.app_id != session.app_id:
        return False
    if conversation.visitor_id == session.visitor_id:
        return True
    return (
        session.is_proven
        and conversation.contact_id is not None
        and conversation.contact_id == session.contact_id
        and conversation.link_standing is Standing.PROVEN
    )


def _require_visible(snapshot: Snapshot, conversation_id: ConversationId, session: Session) -> Conversation:
    """Raises `NotFound` for one that this session may not see."""
    known = snapshot.conversations.get(conversation_id)
    if known is None or not is_visible_to(known, session):
        raise NotFound("no such conversation")
    return known


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
    return sha256(f"{sender}\0{client_id}".encode()).hexdigest()


def _find_repeated(
    snapshot: Snapshot, repeat_key: str | None, conversation_id: ConversationId | None
) -> SentMessage | None:
    """The message that this one repeats."""
    message = snapshot.messages.get(repeat_key) if repeat_key is not None else None
    if message is None:
        return None
    if conversation_id not in {None, message.conversation_id}:
        raise Conflicting("this client_id was used in another conversation")
    return SentMessage(conversation=snapshot.conversations[message.conversation_id], message=message)


def _new_conversation(app: App, session: Session, context: RequestContext) -> Conversation:
    """A new conversation; it belongs to the visitor's contact from birth, when there is one (L3)."""
    return Conversation(
        id=context.new_id("cnv"),
        workspace_id=app.workspace_id,
        app_id=app.id,
        visitor_id=session.visitor_id,
        created_at=context.now,
        last_message_at=context.now,
        read_at=context.now,
        contact_id=session.contact_id,
        link_standing=session.standing if session.contact_id is not None else None,
    )


def _with_new_message(known: Conversation, moment: RequestContext, read_at: Instant) -> Change[Conversation]:
    return replacement(known, replace(known, last_message_at=moment.now, read_at=read_at, status="open"))


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
    data = {"conversation_id": conversation.id, "message_id": message.id}
    teller = EventBuilder(context, conversation.workspace_id, app_id=conversation.app_id)
    if change.before is None:
        teller.add("conversation.created", conversation.contact_id, data)
    teller.add("message.created", conversation.contact_id, data)
    return teller.events
