"""Updates for connected visitors, checked against the stored state each time (H1, S2)."""

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
"""Sessions per store query."""
MAX_CATCH_UP_MESSAGES: Final = 200
"""Missed messages sent after a reconnect; a visitor who missed more loads the history. They are queued all at once:
more than the queue of a connection would close it again on every reconnect."""
MAX_CATCH_UP_CONVERSATIONS: Final = 200
_PAGE_SIZE: Final = 50


class SessionCheck(Value):
    """Current state of a session. `session` None: it has ended."""

    session: Session | None
    visible_conversations: Mapping[ConversationId, Conversation] = field(
        default_factory=dict[ConversationId, Conversation]
    )
    """Those of the given conversations that it may see, as they are stored now."""


def recheck_sessions(
    sessions: Sequence[Session], conversations: Mapping[str, Collection[ConversationId]], store: Store, now: Instant
) -> Sequence[SessionCheck]:
    """Load the current state of each session, and which of the conversations under its digest it may see.

    Raises `StoreUnavailable`.
    """
    checks: list[SessionCheck] = []
    for start in range(0, len(sessions), BATCH_SIZE):
        # In groups: one query for thousands of sockets would hold a connection for too long.
        group = sessions[start : start + BATCH_SIZE]
        queries = [
            SnapshotQuery(
                workspace_id=session.workspace_id,
                app_id=session.app_id,
                session=session.digest,
                conversations=tuple(conversations.get(session.digest, ())),
            )
            for session in group
        ]
        # S4: judged by the stored session; the one in memory does not know that it was revoked.
        for cached, snapshot in zip(group, store.load(queries), strict=True):
            try:
                session = session_lifecycle.validate_session(snapshot, cached.digest, cached.app_id, now)
            except SessionRevoked:
                session = None
            # H1: an ended session sees nothing, not even its own conversations.
            seen = snapshot.conversations.values() if session is not None else ()
            checks.append(SessionCheck(session=session, visible_conversations=_visible(seen, session)))
    return checks


def load_messages(
    message_ids: Mapping[ConversationId, Collection[MessageId]], store: Store
) -> dict[MessageId, Message]:
    """Load the messages with these ids; those that were deleted are missing. Raises `StoreUnavailable`."""
    found: dict[MessageId, Message] = {}
    for conversation_id, ids in message_ids.items():
        # Pages are newest first, and ids sort by time: below the oldest wanted id, nothing is left to find.
        oldest, missing = min(ids), set(ids)
        for message in iter_pages(partial(store.list_messages, conversation_id), _PAGE_SIZE):
            # Deleted messages never leave `missing`: the oldest id ends the walk then.
            if message.id in missing:
                found[message.id] = message
                missing.discard(message.id)
            if not missing or message.id < oldest:
                break
    return found


def messages_since(session: Session, after_id: MessageId, store: Store) -> Sequence[tuple[ConversationId, Message]]:
    """List the messages after this id, in order, in the conversations that the session may see.

    Raises `StoreUnavailable`.
    """
    # An id in another form has no time, so no conversation can be compared with it.
    since = timestamp_of(after_id)
    # H1: an unproven session sees its own conversations only.
    contact = session.contact_id if session.is_proven else None
    page = PageRequest(limit=MAX_CATCH_UP_CONVERSATIONS)
    seen = store.list_visible_conversations(session.visitor_id, session.app_id, contact, page).items
    messages: list[tuple[ConversationId, Message]] = []
    for conversation in seen:
        # Skipped without a query: most conversations had no new message.
        if since is None or conversation.last_message_at < since:
            continue
        for message in iter_pages(partial(store.list_messages, conversation.id), _PAGE_SIZE):
            # Pages are newest first, so everything below is known to the page already.
            if message.id <= after_id or len(messages) >= MAX_CATCH_UP_MESSAGES:
                break
            messages.append((conversation.id, message))
    # Across conversations: the page shows messages in the order in which they were written.
    return sorted(messages, key=lambda item: item[1].id)


def _visible(conversations: Iterable[Conversation], session: Session | None) -> dict[ConversationId, Conversation]:
    return {
        conversation.id: conversation
        for conversation in conversations
        if session is not None and is_visible_to(conversation, session)
    }
