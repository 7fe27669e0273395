"""Joins on a claim: a record is shown in the contact whose visitor gave its email, as claims and no more (J).

The merge of a join keeps the record at its own standings in `Merge.absorbed_before`. Its values in the survivor are
claimed, and name the merge as their writer, so that they are found and taken away again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from hullo.model.contact import Contact, identifier_of
from hullo.model.fact import JOIN_WRITER_PREFIX, Fact
from hullo.model.identifier import EXTERNAL_ID
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.model.standing import Standing
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.merging.combine import combine
from hullo.rules.merging.field_values import field_values, preferred_fact, with_field_values


def joins_of(contact: Contact) -> frozenset[MergeId]:
    """Return the merges whose records are joined to the contact on a claim."""
    # Only identifiers are asked: without the email that joins it, nothing of a record is shown.
    return frozenset(fact.joined_by for _, fact in contact.all_identifiers() if fact.joined_by is not None)


def as_record(contact: Contact) -> Contact:
    """Return the contact as the record that a join keeps: external ids that were only claimed are not the site's, and
    a proven one displaces them (C4)."""
    proven = (fact for fact in identifier_facts(contact, EXTERNAL_ID) if fact.standing is Standing.PROVEN)
    return with_identifiers(contact, EXTERNAL_ID, proven)


def shown_record(merge: Merge) -> Contact:
    """Return the absorbed contact as its values stand in the survivor: claimed ones of a join, else its own."""
    return _as_claims(merge.absorbed_before, merge.id) if merge.joined_by is not None else merge.absorbed_before


def join(contact: Contact, record: Contact, merge_id: MergeId, at: Instant, *, like: Contact | None = None) -> Contact:
    """Show the record in the contact, on a claim. `like` has the order of identifiers, where that is not to change."""
    # Claimed values fill blanks only: at equal standing the survivor's stay (G1).
    joined = combine(contact, _as_claims(record, merge_id), at)
    return joined if like is None else _ordered_like(joined, like)


def without_join(contact: Contact, merge: Merge, others: Iterable[Merge] = ()) -> Contact:
    """Remove what the join shows in the contact. Values of the other merges fill the free fields."""
    values = field_values(contact)
    shown = [slot for slot, fact in values.items() if fact.joined_by == merge.id]
    other_values = [field_values(shown_record(other)) for other in others]
    for slot in shown:
        # What another merge lost to the record takes its place, as in any split (G2).
        rest: Fact | None = None
        for candidates in other_values:
            rest = preferred_fact(rest, candidates.get(slot))
        if rest is None:
            del values[slot]
        else:
            values[slot] = rest
    remaining = _without_marked(with_field_values(contact, values), (merge.id,))
    # The contacts that the record had absorbed leave together with it.
    return replace(remaining, absorbed=contact.absorbed - merge.absorbed_before.absorbed - 1)


def record_of(contact: Contact, merge: Merge) -> Contact:
    """Return the record with the identifiers that the contact still shows. One that it has lost since may belong to
    another by now."""
    record = merge.absorbed_before
    for kind in {kind for kind, _ in record.all_identifiers()}:
        facts = identifier_facts(record, kind)
        held = [fact for fact in facts if _is_shown(contact, kind, fact, merge)]
        if len(held) < len(facts):
            record = with_identifiers(record, kind, held)
    return record


def confirm_join(contact: Contact, merge: Merge, others: Iterable[Merge], at: Instant) -> Contact:
    """Merge the record as an ordinary one: its values regain their standings and writers."""
    record = record_of(contact, merge)
    return _ordered_like(combine(without_join(contact, merge, others), record, at), contact)


def strip_ended_joins(contact: Contact, merges: Mapping[MergeId, Merge]) -> Contact:
    """Remove values of joins that have ended, or whose email the contact has no more. A restored image may hold some
    (G2). `merges` holds those of `joins_of(contact)` that exist."""
    standing = {merge_id for merge_id in joins_of(contact) if (merge := merges.get(merge_id)) and merge.is_active}
    facts = (*(fact for _, fact in contact.all_identifiers()), *field_values(contact).values(), *contact.phones)
    ended = frozenset(fact.joined_by for fact in facts if fact.joined_by is not None) - standing
    if not ended:
        return contact
    values = {slot: fact for slot, fact in field_values(contact).items() if fact.joined_by not in ended}
    return _without_marked(with_field_values(contact, values), ended)


def _as_claims(record: Contact, merge_id: MergeId) -> Contact:
    by = f"{JOIN_WRITER_PREFIX}{merge_id}"

    def claimed(facts: Iterable[Fact]) -> list[Fact]:
        return [Fact(fact.value, Standing.CLAIMED, fact.at, by) for fact in facts]

    values = field_values(record)
    shown = with_field_values(record, dict(zip(values, claimed(values.values()), strict=True)))
    for kind in {kind for kind, _ in record.all_identifiers()}:
        shown = with_identifiers(shown, kind, claimed(identifier_facts(record, kind)))
    # `at` and value stay: equal records are shown by equal facts, and a write that changes nothing is none (W9).
    return replace(shown, phones=tuple(claimed(record.phones)))


def _without_marked(contact: Contact, merge_ids: Collection[MergeId]) -> Contact:
    for kind in {*contact.identifiers, *contact.also}:
        facts = identifier_facts(contact, kind)
        remaining = [fact for fact in facts if fact.joined_by not in merge_ids]
        if len(remaining) < len(facts):
            contact = with_identifiers(contact, kind, remaining)
    return replace(contact, phones=tuple(fact for fact in contact.phones if fact.joined_by not in merge_ids))


def _is_shown(contact: Contact, kind: str, fact: Fact, merge: Merge) -> bool:
    held = contact.identifier_fact(identifier_of(kind, fact))
    return held is not None and held.joined_by == merge.id


def _ordered_like(contact: Contact, like: Contact) -> Contact:
    """Order identifiers as `like` has them: a write to the record must not change the contact's primary email."""
    for kind in contact.identifiers:
        places = {identifier_of(kind, fact).key: place for place, fact in enumerate(identifier_facts(like, kind))}
        facts: Sequence[Fact] = identifier_facts(contact, kind)
        ordered = sorted(facts, key=lambda fact: places.get(identifier_of(kind, fact).key, len(places)))
        contact = with_identifiers(contact, kind, ordered)
    return contact
