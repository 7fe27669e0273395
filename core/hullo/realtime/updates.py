"""What changed for each socket: from notices, or by checking in the store. Runs in a thread, in no event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from anyio.lowlevel import EventLoopToken

from hullo.bus.notice import Notice
from hullo.model.app import App
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import Instant
from hullo.model.request_context import RequestContext, timestamp_of
from hullo.model.visitor import Session, SessionDigest
from hullo.operations.conversations.live_updates import SessionCheck, load_messages, messages_since, recheck_sessions
from hullo.realtime.close_codes import CloseFrame
from hullo.realtime.frames import conversation_frame, message_frame, read_receipt_frame
from hullo.rules.origins import is_origin_allowed
from hullo.store.protocol import Store

MessageFrame = tuple[MessageId, str]
ReadReceiptFrame = tuple[ConversationId, str]


class SocketUpdate(NamedTuple):
    """State what is new for the sockets of one session. Void for a socket that has gone on with another session."""

    session_digest: SessionDigest
    session: Session | None
    """As it is stored now. None: it is over."""
    messages: Sequence[MessageFrame] = ()
    """Frames by the id of their message, in order."""
    read_receipts: Sequence[ReadReceiptFrame] = ()
    """Frames by the conversation that was read."""
    conversations: Sequence[str] = ()
    """Frames of conversations whose status is another one."""
    origin_allowed: bool = True
    """Whether the app still lists the page's origin. Only a check finds out: apps send no notices."""

    def has_changes(self, known: Session | None) -> bool:
        """Whether anything here is new to a socket that knows the session like this."""
        return (
            bool(self.messages or self.read_receipts or self.conversations)
            or not self.origin_allowed
            or is_session_changed(known, self.session)
        )


class UpdateReceiver(Protocol):
    """A socket, as the registry sees it. `receive_update` and `close` are called in its event loop.

    The properties are read from another thread, so each of them may be out of date when it is used.
    """

    @property
    def loop(self) -> EventLoopToken: ...

    @property
    def session(self) -> Session | None:
        """The visitor's session. None: not joined, or without consent."""
        ...

    @property
    def history_until(self) -> Instant:
        """Time of the last message that the socket has joined with."""
        ...

    @property
    def origin(self) -> str | None:
        """The origin of the page. None: the client is not a browser."""
        ...

    def receive_update(self, update: SocketUpdate) -> None:
        """Take in an update. Returns at once, raises nothing."""
        ...

    def close(self, close_frame: CloseFrame) -> None:
        """Close the socket. Returns at once; harmless for one that is closed."""
        ...


def updates_from_notices(
    notices: Sequence[tuple[Notice, Sequence[UpdateReceiver]]], store: Store, now: Instant
) -> Iterator[tuple[UpdateReceiver, SocketUpdate]]:
    """Compute an update for each socket that the notices concern. Raises `StoreUnavailable`.

    Each message is read and encoded once, for any number of sockets.
    """
    message_ids: dict[ConversationId, set[MessageId]] = defaultdict(set)
    receipts: dict[ConversationId, ReadReceiptFrame] = {}
    changed: set[ConversationId] = set()
    conversations: dict[UpdateReceiver, set[ConversationId]] = defaultdict(set)
    for notice, sockets in notices:
        conversation_id = notice.conversation_id
        if conversation_id is not None and notice.message_id is not None:
            message_ids[conversation_id].add(notice.message_id)
        elif conversation_id is not None and notice.kind == "conversation":
            changed.add(conversation_id)
        elif conversation_id is not None:
            receipts[conversation_id] = (conversation_id, read_receipt_frame(conversation_id))
        for socket in sockets:
            conversations[socket].update(() if conversation_id is None else (conversation_id,))
    frames = _message_frames(message_ids, store)
    for socket, digest, check in _check_sessions(conversations, store, now):
        # H1: the notice names a visitor or a contact; what the session may see is judged by the store, now.
        visible = check.visible_conversations
        yield (
            socket,
            SocketUpdate(
                session_digest=digest,
                session=check.session,
                messages=sorted(frame for conversation_id in visible for frame in frames.get(conversation_id, ())),
                read_receipts=[receipts[conversation_id] for conversation_id in visible if conversation_id in receipts],
                # Encoded for each socket: sessions of one visitor are few, and changes of status are rare.
                conversations=[conversation_frame(visible[id_]) for id_ in sorted(changed & visible.keys())],
            ),
        )


def updates_from_store(
    sockets: Sequence[UpdateReceiver], since: Instant | None, store: Store, now: Instant
) -> Iterator[tuple[UpdateReceiver, SocketUpdate]]:
    """Compute an update for each of these sockets, without notices. Raises `StoreUnavailable`.

    Holds the messages sent after `since`; None where notices have brought them all.
    """
    app_ids = {session.app_id for socket in sockets if (session := socket.session) is not None}
    apps = {app_id: store.find_app(app_id) for app_id in app_ids}
    for socket, digest, check in _check_sessions(dict.fromkeys(sockets, ()), store, now):
        messages: Sequence[MessageFrame] = ()
        if since is not None and check.session is not None:
            # Clock: ids begin with their time, so the first id of that instant stands for it.
            after = RequestContext(now=max(since, 0), seed=b"").new_id("msg")
            messages = [
                (message.id, message_frame(conversation_id, message))
                for conversation_id, message in messages_since(check.session, after, store)
                # A socket that has joined since then has the earlier ones from its history.
                if (timestamp_of(message.id) or 0) > socket.history_until
            ]
        allowed = check.session is None or _origin_allowed(socket.origin, apps.get(check.session.app_id))
        yield (
            socket,
            SocketUpdate(session_digest=digest, session=check.session, messages=messages, origin_allowed=allowed),
        )


def is_session_changed(before: Session | None, after: Session | None) -> bool:
    """Whether the session has ended, belongs to another contact, or has another standing."""
    if before is None or after is None:
        return before is not after
    return (before.contact_id, before.standing) != (after.contact_id, after.standing)


def _origin_allowed(origin: str | None, app: App | None) -> bool:
    return origin is None or (app is not None and is_origin_allowed(origin, app))


def _message_frames(
    message_ids: Mapping[ConversationId, set[MessageId]], store: Store
) -> dict[ConversationId, list[MessageFrame]]:
    messages = load_messages(message_ids, store)
    return {
        # A message that is gone was erased after its notice was sent (P2).
        conversation_id: [(id_, message_frame(conversation_id, messages[id_])) for id_ in ids if id_ in messages]
        for conversation_id, ids in message_ids.items()
    }


def _check_sessions(
    conversation_ids: Mapping[UpdateReceiver, Collection[ConversationId]], store: Store, now: Instant
) -> Iterator[tuple[UpdateReceiver, SessionDigest, SessionCheck]]:
    """Check the session of each socket: each session once, however many sockets it has."""
    sessions: dict[SessionDigest, Session] = {}
    asked: dict[SessionDigest, set[ConversationId]] = defaultdict(set)
    checked: list[tuple[UpdateReceiver, SessionDigest]] = []
    for socket, conversations in conversation_ids.items():
        # Race: read once. The socket may have another session when the update arrives, and compares the digest then.
        session = socket.session
        if session is not None:
            sessions[session.digest] = session
            asked[session.digest].update(conversations)
            checked.append((socket, session.digest))
    checks = recheck_sessions(list(sessions.values()), asked, store, now)
    by_digest = dict(zip(sessions, checks, strict=True))
    for socket, digest in checked:
        yield socket, digest, by_digest[digest]
