"""What each connection is to learn: from notices that were heard, or by looking into the store. In no event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hullo.bus.notice import Notice
from hullo.model.app import App
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import Instant
from hullo.model.request_context import RequestContext, timestamp_of
from hullo.model.visitor import Session, SessionDigest
from hullo.operations.conversations.live_updates import SessionCheck, load_messages, messages_since, recheck_sessions
from hullo.realtime.frames import message_frame, read_receipt_frame
from hullo.rules.origins import is_origin_allowed
from hullo.store.protocol import Store

if TYPE_CHECKING:
    from hullo.realtime.connection import Connection

MessageFrame = tuple[MessageId, str]
ReadReceiptFrame = tuple[ConversationId, str]


class ConnectionUpdate(NamedTuple):
    """For one connection, as long as it is of the session that was asked about."""

    connection: Connection
    session_digest: SessionDigest
    check: SessionCheck
    messages: Sequence[MessageFrame] = ()
    """Frames by the id of their message, in order."""
    read_receipts: Sequence[ReadReceiptFrame] = ()
    """Frames that tell what was read."""
    origin_allowed: bool = True
    """Whether the app still lists the page's origin. Found by looking alone: no notice tells of apps."""

    @property
    def has_changes(self) -> bool:
        """Whether anything is otherwise than the connection knows."""
        return (
            bool(self.messages or self.read_receipts)
            or not self.origin_allowed
            or is_session_changed(self.connection.session, self.check.session)
        )


def updates_from_notices(
    notices: Sequence[tuple[Notice, Sequence[Connection]]], store: Store, now: Instant
) -> Iterator[ConnectionUpdate]:
    """For the connections that the notices concern. Each message is read and encoded once, for however many.

    Raises `StoreUnavailable`.
    """
    spoken: dict[ConversationId, set[MessageId]] = defaultdict(set)
    marks: dict[ConversationId, ReadReceiptFrame] = {}
    about: dict[Connection, set[ConversationId]] = defaultdict(set)
    for notice, connections in notices:
        where = notice.conversation_id
        if where is not None and notice.message_id is not None:
            spoken[where].add(notice.message_id)
        elif where is not None:
            marks[where] = (where, read_receipt_frame(where))
        for connection in connections:
            about[connection].update(() if where is None else (where,))
    said = _message_frames(spoken, store)
    for connection, digest, judged in _check_sessions(about, store, now):
        yield ConnectionUpdate(
            connection=connection,
            session_digest=digest,
            check=judged,
            messages=sorted(each for where in judged.visible_conversations for each in said.get(where, ())),
            read_receipts=[marks[where] for where in judged.visible_conversations if where in marks],
        )


def updates_from_store(
    connections: Sequence[Connection], since: Instant | None, store: Store, now: Instant
) -> Iterator[ConnectionUpdate]:
    """For these connections, whatever was heard; with what was said `since`, None where all of it was heard.

    Raises `StoreUnavailable`.
    """
    apps = {each.app_id: store.find_app(each.app_id) for connection in connections if (each := connection.session)}
    for connection, digest, judged in _check_sessions(dict.fromkeys(connections, ()), store, now):
        messages: Sequence[MessageFrame] = ()
        if since is not None and judged.session is not None:
            after = RequestContext(now=max(since, 0), seed=b"").new_id("msg")
            said = messages_since(judged.session, after, store)
            # Whoever has joined since then has read the rest in the history.
            news = [each for each in said if (timestamp_of(each[1].id) or 0) > connection.history_until]
            messages = [(message.id, message_frame(where, message)) for where, message in news]
        welcome = judged.session is None or _origin_allowed(connection, apps.get(judged.session.app_id))
        yield ConnectionUpdate(
            connection=connection, session_digest=digest, check=judged, messages=messages, origin_allowed=welcome
        )


def is_session_changed(before: Session | None, after: Session | None) -> bool:
    """Whether it is over, or somebody else's, or worth another standing."""
    if before is None or after is None:
        return before is not after
    return (before.contact_id, before.standing) != (after.contact_id, after.standing)


def _origin_allowed(connection: Connection, app: App | None) -> bool:
    origin = connection.origin
    return origin is None or (app is not None and is_origin_allowed(origin, app))


def _message_frames(
    message_ids: Mapping[ConversationId, set[MessageId]], store: Store
) -> dict[ConversationId, list[MessageFrame]]:
    messages = load_messages(message_ids, store)
    return {
        where: [(each, message_frame(where, messages[each])) for each in ids if each in messages]
        for where, ids in message_ids.items()
    }


def _check_sessions(
    conversation_ids: Mapping[Connection, Collection[ConversationId]], store: Store, now: Instant
) -> Iterator[tuple[Connection, SessionDigest, SessionCheck]]:
    """Each session once, however many connections it has."""
    sessions: dict[SessionDigest, Session] = {}
    wanted: dict[SessionDigest, set[ConversationId]] = defaultdict(set)
    asked: list[tuple[Connection, SessionDigest]] = []
    for connection, conversations in conversation_ids.items():
        session = connection.session  # it may be another one when the news arrive
        if session is not None:
            sessions[session.digest] = session
            wanted[session.digest].update(conversations)
            asked.append((connection, session.digest))
    judged = recheck_sessions(list(sessions.values()), wanted, store, now)
    by_digest = dict(zip(sessions, judged, strict=True))
    for connection, digest in asked:
        yield connection, digest, by_digest[digest]
