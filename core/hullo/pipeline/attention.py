"""What a visitor who stays connected is to be told: judged each time by what is stored at that moment (H1, S2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from hullo.errors import SessionRevoked
from hullo.model.conversation import Conversation, ConversationId, Message, MessageId
from hullo.model.instant import Instant
from hullo.model.moment import told_at
from hullo.model.visitor import Session
from hullo.pipeline import visits
from hullo.pipeline.talk import visible
from hullo.store.protocol import PageRequest, SnapshotQuery, Store
from hullo.store.reading import every

GROUP: Final = 128
"""Sessions that are looked at in one go."""
CAUGHT_UP: Final = 200
"""Messages that somebody is told who was away; whoever missed more loads the history. They wait for their reader all at
once: with more than a connection keeps waiting, whoever missed so many would never get back in."""
CONVERSATIONS_LOOKED_AT: Final = 200
_PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A session as it is now. None: it is over."""

    session: Session | None
    visible: frozenset[ConversationId] = field(default_factory=frozenset[ConversationId])
    """Which of the conversations that it was asked about it may see."""


def judge(
    sessions: Sequence[Session], conversations: Mapping[str, Collection[ConversationId]], store: Store, now: Instant
) -> Sequence[Judged]:
    """Each session with what it may see of the conversations that stand under its digest.

    Raises `StoreUnavailable`.
    """
    judged: list[Judged] = []
    for start in range(0, len(sessions), GROUP):
        group = sessions[start : start + GROUP]
        queries = [
            SnapshotQuery(
                workspace_id=each.workspace_id,
                app_id=each.app_id,
                session=each.digest,
                conversations=tuple(conversations.get(each.digest, ())),
            )
            for each in group
        ]
        for known, snapshot in zip(group, store.load(queries), strict=True):
            try:
                session = visits.valid_session(snapshot, known.digest, known.app_id, now)
            except SessionRevoked:
                session = None
            seen = snapshot.conversations.values() if session is not None else ()
            judged.append(Judged(session=session, visible=_visible(seen, session)))
    return judged


def messages_of(wanted: Mapping[ConversationId, Collection[MessageId]], store: Store) -> dict[MessageId, Message]:
    """The messages with these ids, as far as they are still there. Raises `StoreUnavailable`."""
    found: dict[MessageId, Message] = {}
    for conversation_id, ids in wanted.items():
        oldest, missing = min(ids), set(ids)
        for message in every(partial(store.list_messages, conversation_id), _PAGE):
            if message.id in missing:
                found[message.id] = message
                missing.discard(message.id)
            if not missing or message.id < oldest:
                break
    return found


def missed(session: Session, after: MessageId, store: Store) -> Sequence[tuple[ConversationId, Message]]:
    """What was said in the conversations that this session may see after the message with this id, in order.

    Raises `StoreUnavailable`.
    """
    since = told_at(after)
    contact = session.contact_id if session.proven else None
    page = PageRequest(limit=CONVERSATIONS_LOOKED_AT)
    seen = store.list_visible_conversations(session.visitor_id, session.app_id, contact, page).items
    told: list[tuple[ConversationId, Message]] = []
    for conversation in seen:
        if since is None or conversation.last_message_at < since:
            continue
        for message in every(partial(store.list_messages, conversation.id), _PAGE):
            if message.id <= after or len(told) >= CAUGHT_UP:
                break
            told.append((conversation.id, message))
    return sorted(told, key=lambda each: each[1].id)


def _visible(conversations: Iterable[Conversation], session: Session | None) -> frozenset[ConversationId]:
    return frozenset(each.id for each in conversations if session is not None and visible(each, session))
