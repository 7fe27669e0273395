"""Combination of two contacts when one absorbs the other (G1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from hullo.model.contact import Contact, ContactId
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar, is_blank, is_same_value
from hullo.model.instant import Instant
from hullo.model.write import identifier_field
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.merging.field_values import field_values, preferred_fact, with_field_values
from hullo.rules.phones import PHONE, all_phones
from hullo.value import Value


class Clash(Value):
    """Two values for one field, of which only `kept` is shown afterwards. `lost` stays in the merge's images, and an
    identifier or phone stays as a secondary one of the survivor."""

    field: str
    kept: Scalar
    lost: Scalar


def combine(survivor: Contact, absorbed: Contact, at: Instant) -> Contact:
    """Merge all data of the absorbed contact into the survivor. Both must have been loaded with the custom data of
    every app."""
    survivor_values, absorbed_values = field_values(survivor), field_values(absorbed)
    # G1 decides each place alone: the result may mix values of both contacts.
    places = {
        slot: preferred_fact(survivor_values.get(slot), absorbed_values.get(slot))
        for slot in (*survivor_values, *absorbed_values)
    }
    merged = with_field_values(survivor, {slot: fact for slot, fact in places.items() if fact is not None})
    # No identifier is dropped: both contacts are still found by every one they had. `dict` keeps the order stable.
    for kind in dict.fromkeys((*absorbed.identifiers, *absorbed.also)):
        merged = with_identifiers(
            merged, kind, _combine_identifiers(identifier_facts(survivor, kind), identifier_facts(absorbed, kind))
        )
    return replace(
        merged,
        phones=_secondary_phones(merged, survivor, absorbed),
        # H2: a block keeps to the identifiers that it was made for, so a join on a claim blocks no one else.
        blocks=(*survivor.blocks, *(block for block in absorbed.blocks if block not in survivor.blocks)),
        # Counted through chains, so that the limit of a merge also stops many small merges.
        absorbed=survivor.absorbed + absorbed.absorbed + 1,
        updated_at=at,
        # The later time: retention must not take the contact for one that was not seen.
        last_seen_at=max(survivor.last_seen_at, absorbed.last_seen_at),
    )


def clear_absorbed(absorbed: Contact, survivor: ContactId | None, at: Instant) -> Contact:
    """Clear the absorbed contact; only the reference to the survivor stays (G3)."""
    return replace(
        absorbed,
        identifiers={},
        also={},
        profile={},
        phones=(),
        tags={},
        blocks=(),
        # An empty block per app, not an empty mapping: stores keep a block that the change does not name.
        custom_data={app_id: {} for app_id in absorbed.custom_data},
        absorbed=0,
        merged_into=survivor,
        updated_at=at,
    )


def find_clashes(survivor: Contact, absorbed: Contact) -> Iterator[Clash]:
    """Find the fields in which the two differ, and the value that is shown."""
    survivor_values, absorbed_values = field_values(survivor), field_values(absorbed)
    # Blanks cannot clash: G1 fills them.
    for slot in survivor_values.keys() & absorbed_values.keys():
        yield from _find_clash(slot.field, survivor_values[slot], absorbed_values[slot])
    # Primary identifiers only: secondary ones stand side by side, and none is hidden.
    for kind in survivor.identifiers.keys() & absorbed.identifiers.keys():
        yield from _find_clash(identifier_field(kind), survivor.identifiers[kind], absorbed.identifiers[kind])


def list_field_changes(before: Contact, after: Contact) -> Iterator[FieldChange]:
    """List the values that are shown differently afterwards; secondary identifiers and phones appear as
    `also.<kind>`."""
    earlier, later = _primary_values(before), _primary_values(after)
    for field in dict.fromkeys((*earlier, *later)):
        if earlier.get(field) != later.get(field):
            yield FieldChange(field=field, before=earlier.get(field), after=later.get(field))
    before_secondary, after_secondary = _secondary_values(before), _secondary_values(after)
    yield from (
        FieldChange(field=f"also.{kind}", before=value, after=None)
        for kind, value in before_secondary
        if (kind, value) not in after_secondary
    )
    yield from (
        FieldChange(field=f"also.{kind}", before=None, after=value)
        for kind, value in after_secondary
        if (kind, value) not in before_secondary
    )


def _find_clash(field: str, survivor_fact: Fact, absorbed_fact: Fact) -> Iterator[Clash]:
    kept = preferred_fact(survivor_fact, absorbed_fact)
    # Both facts are given, so one of them is preferred; this is for the type checker.
    assert kept is not None
    lost = absorbed_fact if kept is survivor_fact else survivor_fact
    if not (is_blank(lost) or is_same_value(kept, lost.value)):
        yield Clash(field=field, kept=kept.value, lost=lost.value)


def _combine_identifiers(survivor_facts: Sequence[Fact], absorbed_facts: Sequence[Fact]) -> list[Fact]:
    if not survivor_facts:
        return list(absorbed_facts)
    # Identifiers of one workspace are unique, so the two lists share none and need no deduplication.
    primary = preferred_fact(survivor_facts[0], absorbed_facts[0])
    # The sort is stable: only the primary one moves to the front.
    return sorted((*survivor_facts, *absorbed_facts), key=lambda fact: fact is not primary)


def _secondary_phones(merged: Contact, survivor: Contact, absorbed: Contact) -> tuple[Fact, ...]:
    primary = merged.profile.get(PHONE)
    # Phones are not unique as identifiers are: both contacts may hold the same number.
    others: dict[Scalar, Fact] = {}
    for fact in (*all_phones(survivor), *all_phones(absorbed)):
        if primary is None or fact.value != primary.value:
            # The survivor's fact comes first and stays, with its provenance.
            others.setdefault(fact.value, fact)
    return tuple(others.values())


def _secondary_values(contact: Contact) -> list[tuple[str, Scalar]]:
    names = [(kind, fact.value) for kind, facts in contact.also.items() for fact in facts]
    return [*names, *((PHONE, fact.value) for fact in contact.phones)]


def _primary_values(contact: Contact) -> dict[str, Scalar]:
    names = {identifier_field(kind): fact.value for kind, fact in contact.identifiers.items()}
    return {**names, **{slot.field: fact.value for slot, fact in field_values(contact).items()}}
