"""Refusal of blocked visitors, and of blocked contacts who prove themselves."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from hullo.errors import Blocked
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot
from hullo.pipeline.match import MatchResult
from hullo.rules.blocking import current_block, find_blocked_contact, take_over


def may_be_blocked(matched: MatchResult, snapshot: Snapshot) -> bool:
    """Return whether any block is in sight. Nearly never: a loop and no generator, as each frame costs the hot path."""
    session, transferred = matched.session, matched.transferred_identity
    # Of all that was loaded: which of them the call matches is asked once there is a block.
    for contact in snapshot.contacts.values():
        if contact.blocks:
            return True
    return (session is not None and session.block is not None) or (
        transferred is not None and transferred.session.block is not None
    )


def refuse_blocked(matched: MatchResult, snapshot: Snapshot) -> Decision[Outcome] | None:
    """Refuse a blocked visitor, and one who proves to be a blocked contact. None: the caller is neither.

    Raises `Blocked` where nothing is to be noted. A visitor who only claims a blocked contact is answered as any other
    claimant (H2).
    """
    session, transferred = matched.session, matched.transferred_identity
    if session is not None and current_block(session, snapshot.contacts.values()) is not None:
        raise Blocked
    if transferred is not None and transferred.session.block is not None:
        raise Blocked
    # A server's call is not the contact's.
    contacts = [contact for contact in _matched_contacts(matched) if contact.blocks]
    if not contacts or not matched.is_proven or matched.verified.server_writer is not None:
        return None
    proven = [matched.verified.digests[name] for name in matched.verified.proven_identifiers]
    # After a hop the call itself names no identifier (T1).
    proven += transferred.proven_identifiers if transferred is not None else ()
    found = find_blocked_contact(contacts, proven)
    if found is None:
        return None
    contact, block = found
    # C5: a session that is another person's, in a browser that both use, does not pay for this one. A lead is the user
    # who logs in (C8).
    if session is None or (session.contact_id not in {None, contact.id} and not session.is_lead):
        raise Blocked
    # Noted, so that the visitor cannot go on anonymously in the browser in which it was recognised.
    change = replacement(session, replace(session, block=take_over(block)))
    unused: Any = None
    return Decision(result=unused, change_set=ChangeSet(sessions=(change,)), refusal=Blocked())


def _matched_contacts(matched: MatchResult) -> tuple[Contact, ...]:
    found = (matched.contact,) if matched.contact is not None else ()
    return (*found, *(plan.absorbed for plan in matched.planned_merges)) if matched.planned_merges else found
