"""What each connection is to learn: from notices that were heard, or by looking into the store. In no event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hullo.asgi.socket.frames import message_frame, read_mark_frame
from hullo.bus.notice import Notice
from hullo.model.app import App
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import Instant
from hullo.model.moment import Moment, told_at
from hullo.model.visitor import Session, SessionDigest
from hullo.pipeline.attention import Judged, judge, messages_of, missed
from hullo.pipeline.origins import allowed
from hullo.store.protocol import Store

if TYPE_CHECKING:
    from hullo.asgi.socket.connection import Connection

Said = tuple[MessageId, str]
Mark = tuple[ConversationId, str]


class News(NamedTuple):
    """For one connection, as long as it is of the session that was asked about."""

    connection: Connection
    asked_about: SessionDigest
    judged: Judged
    messages: Sequence[Said] = ()
    """Frames by the id of their message, in order."""
    marks: Sequence[Mark] = ()
    """Frames that tell what was read."""
    welcome: bool = True
    """Whether the app still lists the page's origin. Found by looking alone: no notice tells of apps."""

    @property
    def worth_telling(self) -> bool:
        """Whether anything is otherwise than the connection knows."""
        return (
            bool(self.messages or self.marks)
            or not self.welcome
            or differs(self.connection.session, self.judged.session)
        )


def news_of(heard: Sequence[tuple[Notice, Sequence[Connection]]], store: Store, now: Instant) -> Iterator[News]:
    """For the connections that the notices concern. Each message is read and encoded once, for however many.

    Raises `StoreUnavailable`.
    """
    spoken: dict[ConversationId, set[MessageId]] = defaultdict(set)
    marks: dict[ConversationId, Mark] = {}
    about: dict[Connection, set[ConversationId]] = defaultdict(set)
    for notice, connections in heard:
        where = notice.conversation_id
        if where is not None and notice.message_id is not None:
            spoken[where].add(notice.message_id)
        elif where is not None:
            marks[where] = (where, read_mark_frame(where))
        for connection in connections:
            about[connection].update(() if where is None else (where,))
    said = _frames(spoken, store)
    for connection, digest, judged in _judged(about, store, now):
        yield News(
            connection=connection,
            asked_about=digest,
            judged=judged,
            messages=sorted(each for where in judged.visible for each in said.get(where, ())),
            marks=[marks[where] for where in judged.visible if where in marks],
        )


def news_by_looking(
    connections: Sequence[Connection], since: Instant | None, store: Store, now: Instant
) -> Iterator[News]:
    """For these connections, whatever was heard; with what was said `since`, None where all of it was heard.

    Raises `StoreUnavailable`.
    """
    apps = {each.app_id: store.find_app(each.app_id) for connection in connections if (each := connection.session)}
    for connection, digest, judged in _judged(dict.fromkeys(connections, ()), store, now):
        messages: Sequence[Said] = ()
        if since is not None and judged.session is not None:
            after = Moment(now=max(since, 0), seed=b"").new_id("msg")
            said = missed(judged.session, after, store)
            # Whoever has joined since then has read the rest in the history.
            news = [each for each in said if (told_at(each[1].id) or 0) > connection.listed_until]
            messages = [(message.id, message_frame(where, message)) for where, message in news]
        welcome = judged.session is None or _listed(connection, apps.get(judged.session.app_id))
        yield News(connection=connection, asked_about=digest, judged=judged, messages=messages, welcome=welcome)


def differs(before: Session | None, after: Session | None) -> bool:
    """Whether it is over, or somebody else's, or worth another standing."""
    if before is None or after is None:
        return before is not after
    return (before.contact_id, before.standing) != (after.contact_id, after.standing)


def _listed(connection: Connection, app: App | None) -> bool:
    origin = connection.origin
    return origin is None or (app is not None and allowed(origin, app))


def _frames(spoken: Mapping[ConversationId, set[MessageId]], store: Store) -> dict[ConversationId, list[Said]]:
    messages = messages_of(spoken, store)
    return {
        where: [(each, message_frame(where, messages[each])) for each in ids if each in messages]
        for where, ids in spoken.items()
    }


def _judged(
    about: Mapping[Connection, Collection[ConversationId]], store: Store, now: Instant
) -> Iterator[tuple[Connection, SessionDigest, Judged]]:
    """Each session once, however many connections it has."""
    sessions: dict[SessionDigest, Session] = {}
    wanted: dict[SessionDigest, set[ConversationId]] = defaultdict(set)
    asked: list[tuple[Connection, SessionDigest]] = []
    for connection, conversations in about.items():
        session = connection.session  # it may be another one when the news arrive
        if session is not None:
            sessions[session.digest] = session
            wanted[session.digest].update(conversations)
            asked.append((connection, session.digest))
    judged = judge(list(sessions.values()), wanted, store, now)
    by_digest = dict(zip(sessions, judged, strict=True))
    for connection, digest in asked:
        yield connection, digest, by_digest[digest]
