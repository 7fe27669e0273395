"""What a visitor who stays connected is to be told: judged each time by what is stored at that moment (H1, S2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import field

from hullo.errors import SessionRevoked
from hullo.model.conversation import Conversation, ConversationId, Message, MessageId
from hullo.model.instant import Instant
from hullo.model.request_context import timestamp_of
from hullo.model.snapshot import SnapshotQuery
from hullo.model.visitor import Session
from hullo.operations.conversations.messages import is_visible_to
from hullo.rules import session_lifecycle
from hullo.store.protocol import PageRequest, Store
from hullo.store.reading import iter_pages
from hullo.value import Value

BATCH_SIZE: Final = 128
"""Sessions that are looked at in one go."""
MAX_CATCH_UP_MESSAGES: Final = 200
"""Messages that somebody is told who was away; whoever missed more loads the history. They wait for their reader all at
once: with more than a connection keeps waiting, whoever missed so many would never get back in."""
MAX_CATCH_UP_CONVERSATIONS: Final = 200
_PAGE_SIZE: Final = 50


class SessionCheck(Value):
    """A session as it is now. None: it is over."""

    session: Session | None
    visible_conversations: frozenset[ConversationId] = field(default_factory=frozenset[ConversationId])
    """Which of the conversations that it was asked about it may see."""


def recheck_sessions(
    sessions: Sequence[Session], conversations: Mapping[str, Collection[ConversationId]], store: Store, now: Instant
) -> Sequence[SessionCheck]:
    """Each session with what it may see of the conversations that stand under its digest.

    Raises `StoreUnavailable`.
    """
    judged: list[SessionCheck] = []
    for start in range(0, len(sessions), BATCH_SIZE):
        group = sessions[start : start + BATCH_SIZE]
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
                session = session_lifecycle.validate_session(snapshot, known.digest, known.app_id, now)
            except SessionRevoked:
                session = None
            seen = snapshot.conversations.values() if session is not None else ()
            judged.append(SessionCheck(session=session, visible_conversations=_visible_ids(seen, session)))
    return judged


def load_messages(
    message_ids: Mapping[ConversationId, Collection[MessageId]], store: Store
) -> dict[MessageId, Message]:
    """The messages with these ids, as far as they are still there. Raises `StoreUnavailable`."""
    found: dict[MessageId, Message] = {}
    for conversation_id, ids in message_ids.items():
        oldest, missing = min(ids), set(ids)
        for message in iter_pages(partial(store.list_messages, conversation_id), _PAGE_SIZE):
            if message.id in missing:
                found[message.id] = message
                missing.discard(message.id)
            if not missing or message.id < oldest:
                break
    return found


def messages_since(session: Session, after_id: MessageId, store: Store) -> Sequence[tuple[ConversationId, Message]]:
    """What was said in the conversations that this session may see after the message with this id, in order.

    Raises `StoreUnavailable`.
    """
    since = timestamp_of(after_id)
    contact = session.contact_id if session.is_proven else None
    page = PageRequest(limit=MAX_CATCH_UP_CONVERSATIONS)
    seen = store.list_visible_conversations(session.visitor_id, session.app_id, contact, page).items
    told: list[tuple[ConversationId, Message]] = []
    for conversation in seen:
        if since is None or conversation.last_message_at < since:
            continue
        for message in iter_pages(partial(store.list_messages, conversation.id), _PAGE_SIZE):
            if message.id <= after_id or len(told) >= MAX_CATCH_UP_MESSAGES:
                break
            told.append((conversation.id, message))
    return sorted(told, key=lambda each: each[1].id)


def _visible_ids(conversations: Iterable[Conversation], session: Session | None) -> frozenset[ConversationId]:
    return frozenset(each.id for each in conversations if session is not None and is_visible_to(each, session))
