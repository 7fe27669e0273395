"""Lead: what becomes of the contact that a visitor made by typing an email, once the visitor is identified (C8)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hullo.model.contact import Contact
from hullo.model.fact import VISITOR_WRITER_PREFIX, Fact
from hullo.model.identifier import EXTERNAL_ID
from hullo.model.operation import NeedsFullContacts
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.match import MatchResult, PlannedMerge
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS


def absorb_stub(matched: MatchResult, session: Session, snapshot: Snapshot) -> MatchResult:
    """Plan to merge the contact that the lead made by typing into the one that this call proves (C8).

    A contact that existed before is left as it is, and an unproven call merges nothing: its answer must not depend on
    whether the other contact was known (H2). Raises `NeedsFullContacts` unless all is loaded that a lead's call takes.
    """
    # Of every lead's call, so that the time of the answer tells nothing of stored contacts (H2).
    if snapshot.audit_head is None:
        raise NeedsFullContacts
    stub = snapshot.contacts.get(session.contact_id) if session.contact_id is not None else None
    if stub is None or not _may_absorb(matched, stub, session):
        return matched
    # What only the stub had stood in the way of the call, and is the same person's from now on.
    freed = {collision.identifier for collision in matched.collisions if collision.owner is stub}
    return replace(
        matched,
        writable_identifiers=tuple(
            name for name in matched.verified.identifiers if name in freed or name in matched.writable_identifiers
        ),
        collisions=tuple(collision for collision in matched.collisions if collision.owner is not stub),
        planned_merges=(*matched.planned_merges, PlannedMerge(absorbed=stub, plugin="pipeline", rule="C8")),
    )


def _may_absorb(matched: MatchResult, stub: Contact, session: Session) -> bool:
    # A hop proves who its sender is: another person may have opened the link (T1, H1).
    if not matched.is_proven or matched.transferred_identity is not None:
        return False
    planned = [plan.absorbed for plan in matched.planned_merges]
    if stub is matched.contact or stub in planned:
        return False
    # Merges without an agent are bounded, as in `match`: the people in the survivor, in what it absorbs, and the stub.
    survivors = planned if matched.contact is None else [*planned, matched.contact]
    if sum(contact.absorbed + 1 for contact in survivors) + 1 > MAX_UNCONFIRMED_CONTACTS:
        return False
    return (
        stub.created_by == f"{VISITOR_WRITER_PREFIX}{session.visitor_id}"
        # More than what this visitor typed is in it: another person may be (G1).
        and not stub.absorbed
        # C2: two external ids are two people.
        and EXTERNAL_ID not in stub.identifiers
        and all(fact.standing < Standing.PROVEN for fact in _facts(stub))
    )


def _facts(contact: Contact) -> Iterator[Fact]:
    """Yield the identifiers and values. Tags are an agent's own, and prove nothing."""
    yield from (fact for _, fact in contact.all_identifiers())
    yield from contact.profile.values()
    for block in contact.custom_data.values():
        yield from block.values()
