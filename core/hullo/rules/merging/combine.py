"""What becomes of two contacts when one absorbs the other (G1)."""

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
    """Two values for one place, of which one is not shown any more. It stays in the merge's images, and a name or a
    phone stays a further one of the survivor."""

    field: str
    kept: Scalar
    lost: Scalar


def combine(survivor: Contact, absorbed: Contact, at: Instant) -> Contact:
    """The survivor with everything of the absorbed one in it: of every app, so both must have been loaded wholly."""
    ours, theirs = field_values(survivor), field_values(absorbed)
    places = {slot: preferred_fact(ours.get(slot), theirs.get(slot)) for slot in (*ours, *theirs)}
    joined = with_field_values(survivor, {slot: fact for slot, fact in places.items() if fact is not None})
    for kind in dict.fromkeys((*absorbed.identifiers, *absorbed.also)):
        joined = with_identifiers(
            joined, kind, _combine_identifiers(identifier_facts(survivor, kind), identifier_facts(absorbed, kind))
        )
    return replace(
        joined,
        phones=_secondary_phones(joined, survivor, absorbed),
        absorbed=survivor.absorbed + absorbed.absorbed + 1,
        updated_at=at,
        last_seen_at=max(survivor.last_seen_at, absorbed.last_seen_at),
    )


def clear_absorbed(absorbed: Contact, survivor: ContactId | None, at: Instant) -> Contact:
    """What is left of the absorbed one: where to look instead (G3)."""
    return replace(
        absorbed,
        identifiers={},
        also={},
        profile={},
        phones=(),
        tags={},
        custom_data={app_id: {} for app_id in absorbed.custom_data},
        absorbed=0,
        merged_into=survivor,
        updated_at=at,
    )


def find_clashes(survivor: Contact, absorbed: Contact) -> Iterator[Clash]:
    """Where the two say different things, and which of them is shown."""
    ours, theirs = field_values(survivor), field_values(absorbed)
    for slot in ours.keys() & theirs.keys():
        yield from _find_clash(slot.field, ours[slot], theirs[slot])
    for kind in survivor.identifiers.keys() & absorbed.identifiers.keys():
        yield from _find_clash(identifier_field(kind), survivor.identifiers[kind], absorbed.identifiers[kind])


def list_field_changes(before: Contact, after: Contact) -> Iterator[FieldChange]:
    """Every value that is shown otherwise afterwards; further names and phones that come or go are `also.<kind>`."""
    earlier, later = _primary_values(before), _primary_values(after)
    for field in dict.fromkeys((*earlier, *later)):
        if earlier.get(field) != later.get(field):
            yield FieldChange(field=field, before=earlier.get(field), after=later.get(field))
    had, has = _secondary_values(before), _secondary_values(after)
    yield from (
        FieldChange(field=f"also.{kind}", before=value, after=None) for kind, value in had if (kind, value) not in has
    )
    yield from (
        FieldChange(field=f"also.{kind}", before=None, after=value) for kind, value in has if (kind, value) not in had
    )


def _find_clash(field: str, ours: Fact, theirs: Fact) -> Iterator[Clash]:
    kept = preferred_fact(ours, theirs)
    assert kept is not None
    lost = theirs if kept is ours else ours
    if not (is_blank(lost) or is_same_value(kept, lost.value)):
        yield Clash(field=field, kept=kept.value, lost=lost.value)


def _combine_identifiers(ours: Sequence[Fact], theirs: Sequence[Fact]) -> list[Fact]:
    if not ours:
        return list(theirs)
    primary = preferred_fact(ours[0], theirs[0])
    return sorted((*ours, *theirs), key=lambda fact: fact is not primary)


def _secondary_phones(joined: Contact, survivor: Contact, absorbed: Contact) -> tuple[Fact, ...]:
    primary = joined.profile.get(PHONE)
    others: dict[Scalar, Fact] = {}
    for fact in (*all_phones(survivor), *all_phones(absorbed)):
        if primary is None or fact.value != primary.value:
            others.setdefault(fact.value, fact)
    return tuple(others.values())


def _secondary_values(contact: Contact) -> list[tuple[str, Scalar]]:
    names = [(kind, fact.value) for kind, facts in contact.also.items() for fact in facts]
    return [*names, *((PHONE, fact.value) for fact in contact.phones)]


def _primary_values(contact: Contact) -> dict[str, Scalar]:
    names = {identifier_field(kind): fact.value for kind, fact in contact.identifiers.items()}
    return {**names, **{slot.field: fact.value for slot, fact in field_values(contact).items()}}
