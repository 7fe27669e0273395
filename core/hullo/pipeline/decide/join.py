"""Join: whether the record of an email that a visitor only says is joined to the visitor's contact (C1, C3, J)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.app import EmailMatch
from hullo.model.conflict import pair_key
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.operation import NeedsFullContacts
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.pipeline.match import Collision, MatchResult, PlannedMerge
from hullo.rules.identifiers import identifier_facts
from hullo.rules.merging.joins import joins_of
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS


def plan_join(matched: MatchResult, snapshot: Snapshot) -> MatchResult:
    """Plan to join the record that has the email of the call, in place of a conflict. Only calls with a conflict are
    asked about, which are rare. Raises `NeedsFullContacts`."""
    verified = matched.verified
    if verified.app is None or verified.server_writer is not None or verified.app.email_match is EmailMatch.PROVEN:
        return matched
    # J: the call proves the external id, and only says the email.
    if not any(name.kind == EXTERNAL_ID for name in verified.proven_identifiers):
        return matched
    for collision in matched.collisions:
        if collision.field == EMAIL and collision.identifier not in verified.proven_identifiers:
            if not _is_joinable(matched, collision, snapshot):
                return matched
            if snapshot.audit_head is None:
                raise NeedsFullContacts
            return _joined(matched, collision)
    return matched


def _joined(matched: MatchResult, collision: Collision) -> MatchResult:
    verified, record = matched.verified, collision.owner
    assert verified.app is not None, "only pages join"
    is_trusted = verified.app.email_match is EmailMatch.TRUSTED
    planned = PlannedMerge(
        absorbed=record,
        plugin="pipeline",
        rule="C3" if matched.contact is None else "C1",
        # The site's word makes it an ordinary merge.
        joined_by=None if is_trusted else verified.digests[collision.identifier],
    )
    return replace(
        matched,
        writable_identifiers=(*matched.writable_identifiers, collision.identifier),
        # What is joined is shown as one: nothing of it is in conflict, or taken away apart.
        collisions=tuple(other for other in matched.collisions if other.owner is not record),
        displaced=tuple(lost for lost in matched.displaced if lost.owner is not record),
        planned_merges=(*matched.planned_merges, planned),
    )


def _is_joinable(matched: MatchResult, collision: Collision, snapshot: Snapshot) -> bool:
    """Return whether nothing speaks against the join."""
    record, contact = collision.owner, matched.contact
    if not matched.is_proven or collision.rule == "C2":
        return False
    # C4: an external id that was only claimed gives way to the one that is proven.
    if any(fact.standing is Standing.PROVEN for fact in identifier_facts(record, EXTERNAL_ID)):
        return False
    # Joins are merges without an agent, and bounded as these are.
    absorbed = record.absorbed + 2
    if contact is not None:
        # Only one record, and only where it fills a blank.
        if EMAIL in contact.identifiers or EMAIL in contact.profile or joins_of(contact):
            return False
        # An agent's word that the two are two stands.
        if pair_key(contact.id, record.id) in snapshot.kept_pairs:
            return False
        absorbed += contact.absorbed + sum(plan.absorbed.absorbed + 1 for plan in matched.planned_merges)
    return absorbed <= MAX_UNCONFIRMED_CONTACTS and _is_open_record(record, collision)


def _is_open_record(record: Contact, collision: Collision) -> bool:
    """Return whether only the site knows the record by this email, or nothing but claims does: a person who has proven
    themselves is joined to no contact."""
    if joins_of(record) or any(fact.is_attested for _, fact in record.all_identifiers()):
        return False
    fact = record.identifier_fact(collision.identifier)
    # An email that is claimed beside another identifier of the site's says nothing about the record.
    return record.standing < Standing.PROVEN or (fact is not None and fact.standing is Standing.PROVEN)
