"""Which word goes round of what was committed, to whoever has sockets open (S4, H1)."""

from __future__ import annotations

from collections.abc import Iterator

from hullo.bus.notice import Notice
from hullo.model.change_set import Change, ChangeSet
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session


def notices_for(changes: ChangeSet) -> tuple[Notice, ...]:
    """Those of sessions first: who has become somebody else is looked at before anything is told to them."""
    return (*_session_notices(changes), *_conversation_notices(changes))


def _session_notices(changes: ChangeSet) -> Iterator[Notice]:
    for change in changes.sessions:
        if _affects_other_sockets(change):
            yield Notice(kind="session", visitor_id=change.after.visitor_id)
    for log_out in changes.session_revocations:
        yield Notice(kind="session", contact_id=log_out.contact_id)
    for absorption in changes.absorptions:
        yield Notice(kind="session", contact_id=absorption.absorbed_id)
    for separation in changes.splits:
        yield Notice(kind="session", contact_id=separation.survivor_id)
    for erasure in changes.erasures:
        yield Notice(kind="session", contact_id=erasure.contact.id)


def _conversation_notices(changes: ChangeSet) -> Iterator[Notice]:
    conversations = {change.after.id: change.after for change in changes.conversations}
    spoken_in: set[str] = set()
    for message in changes.messages:
        conversation = conversations[message.conversation_id]
        spoken_in.add(conversation.id)
        yield _conversation_notice(conversation, message.id)
    for change in changes.conversations:
        was_read = change.before is not None and change.before.read_at != change.after.read_at
        if was_read and change.after.id not in spoken_in:
            yield _conversation_notice(change.after)


def _conversation_notice(conversation: Conversation, message_id: str | None = None) -> Notice:
    return Notice(
        kind="read" if message_id is None else "message",
        visitor_id=conversation.visitor_id,
        # Only a proven link lets the contact's other sessions look.
        contact_id=conversation.contact_id,
        conversation_id=conversation.id,
        message_id=message_id,
    )


def _affects_other_sockets(change: Change[Session]) -> bool:
    """Whether another socket of the session has to know: a new session has none, and that it was seen again is
    nobody's business."""
    before, after = change.before, change.after
    return before is not None and (
        (before.contact_id, before.standing, before.proven_identifiers, before.revoked_at)
        != (after.contact_id, after.standing, after.proven_identifiers, after.revoked_at)
    )
