"""Notices of a committed change set, for the processes that have sockets open (S4, H1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from hullo.bus.notice import Notice
from hullo.model.change_set import Change, ChangeSet
from hullo.model.conversation import Conversation
from hullo.model.visitor import Session


def notices_for(changes: ChangeSet) -> tuple[Notice, ...]:
    """List the notices of a change set.

    Sessions come first: a socket whose person has changed is checked before anything is sent to it (S4).
    """
    return (*_session_notices(changes), *_conversation_notices(changes))


def _session_notices(changes: ChangeSet) -> Iterator[Notice]:
    for change in changes.sessions:
        if _affects_other_sockets(change):
            yield Notice(kind="session", visitor_id=change.after.visitor_id)
    # The rest concerns every session of a contact, and the change set does not list those.
    for revocation in changes.session_revocations:
        yield Notice(kind="session", contact_id=revocation.contact_id)
    for ended in changes.hop_group_revocations:
        yield Notice(kind="session", contact_id=ended.contact_id)
    # A merge and its undo give sessions another contact (C1, G2). Their sockets must not go on with the old one.
    for absorption in changes.absorptions:
        yield Notice(kind="session", contact_id=absorption.absorbed_id)
    for split in changes.splits:
        yield Notice(kind="session", contact_id=split.survivor_id)
    for erasure in changes.erasures:
        yield Notice(kind="session", contact_id=erasure.contact.id)


def _conversation_notices(changes: ChangeSet) -> Iterator[Notice]:
    conversations = {change.after.id: change.after for change in changes.conversations}
    with_message: set[str] = set()
    for message in changes.messages:
        conversation = conversations[message.conversation_id]
        with_message.add(conversation.id)
        yield _conversation_notice(conversation, kind="message", message_id=message.id)
    for change in changes.conversations:
        # A message that opens a conversation again brings both: the message's frame does not hold the status.
        if change.before is not None and change.before.status != change.after.status:
            yield _conversation_notice(change.after, kind="conversation")
        was_read = change.before is not None and change.before.read_at != change.after.read_at
        # The notice of a new message makes sockets read the conversation anyway.
        if was_read and change.after.id not in with_message:
            yield _conversation_notice(change.after, kind="read")


def _conversation_notice(
    conversation: Conversation, *, kind: Literal["message", "read", "conversation"], message_id: str | None = None
) -> Notice:
    # One form for all three kinds: they differ in what a socket reads, and not in who is concerned.
    return Notice(
        kind=kind,
        visitor_id=conversation.visitor_id,
        # Names no value: each socket reads the conversation with its own rights, and only a proven link lets the
        # contact's other sessions see it (H1).
        contact_id=conversation.contact_id,
        conversation_id=conversation.id,
        message_id=message_id,
    )


def _affects_other_sockets(change: Change[Session]) -> bool:
    """Return whether sockets of this session must check it again.

    A new session has none, and a later `seen_at` changes nothing for them.
    """
    before, after = change.before, change.after
    return before is not None and (
        (before.contact_id, before.standing, before.proven_identifiers, before.revoked_at)
        != (after.contact_id, after.standing, after.proven_identifiers, after.revoked_at)
    )
