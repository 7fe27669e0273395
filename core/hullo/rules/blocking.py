"""Who is blocked: a visitor by its session, a contact by the identifiers that are proven (H2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hullo.errors import Blocked
from hullo.model.block import Block, ContactBlock
from hullo.model.contact import Contact
from hullo.model.identifier import IdentifierDigest
from hullo.model.visitor import Session


def find_blocked_contact(
    contacts: Iterable[Contact], proven: Collection[IdentifierDigest]
) -> tuple[Contact, ContactBlock] | None:
    """Find a contact, and its block, that the proven identifiers lead to; None: no block concerns them."""
    for contact in contacts:
        for block in contact.blocks:
            # H2: only what is proven counts. A caller learns about its own identifiers, and about no other person's.
            if any(digest in block.identifiers for digest in proven):
                return contact, block
    return None


def take_over(block: ContactBlock) -> Block:
    """Make the block of a visitor who has proven to be a blocked contact."""
    # Without the reason: it is about a contact, and this record would outlive its erasure (P2).
    return Block(id=block.id, at=block.at, by=block.by, of_contact=True)


def current_block(session: Session, contacts: Iterable[Contact]) -> Block | None:
    """Return the block of this session, which the next visitor of its browser takes over; None: it is free.

    `session` has its current standing; `contacts` holds its contact.
    """
    # Its own first: that one stays when the contact's ends.
    if session.block is not None or not session.is_proven:
        return session.block
    found = find_blocked_contact(contacts, session.proven_identifiers)
    return None if found is None else take_over(found[1])


def require_not_blocked(session: Session, contacts: Iterable[Contact]) -> None:
    """Raise `Blocked` for the session of a blocked visitor, and for one that proves a blocked contact.

    `session` has its current standing; `contacts` holds its contact.
    """
    if current_block(session, contacts) is not None:
        raise Blocked
