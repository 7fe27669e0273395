"""What becomes of two contacts when one absorbs the other (G1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hullo.hooks.writes import identifier_field
from hullo.model.contact import Contact, ContactId
from hullo.model.event import FieldChange
from hullo.model.fact import Fact, Scalar, blank, same
from hullo.model.instant import Instant
from hullo.pipeline.merging.slots import better, slots_of, with_slots
from hullo.pipeline.naming import names_of, with_names
from hullo.pipeline.phones import PHONE, phones_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Two values for one place, of which one is not shown any more. It stays in the merge's images, and a name or a
    phone stays a further one of the survivor."""

    field: str
    kept: Scalar
    lost: Scalar


def combined(survivor: Contact, absorbed: Contact, at: Instant) -> Contact:
    """The survivor with everything of the absorbed one in it: of every app, so both must have been loaded wholly."""
    ours, theirs = slots_of(survivor), slots_of(absorbed)
    places = {slot: better(ours.get(slot), theirs.get(slot)) for slot in (*ours, *theirs)}
    joined = with_slots(survivor, {slot: fact for slot, fact in places.items() if fact is not None})
    for kind in dict.fromkeys((*absorbed.identifiers, *absorbed.also)):
        joined = with_names(joined, kind, _names(names_of(survivor, kind), names_of(absorbed, kind)))
    return replace(
        joined,
        phones=_other_phones(joined, survivor, absorbed),
        absorbed=survivor.absorbed + absorbed.absorbed + 1,
        updated_at=at,
        last_seen_at=max(survivor.last_seen_at, absorbed.last_seen_at),
    )


def emptied(absorbed: Contact, survivor: ContactId | None, at: Instant) -> Contact:
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


def clashes(survivor: Contact, absorbed: Contact) -> Iterator[Clash]:
    """Where the two say different things, and which of them is shown."""
    ours, theirs = slots_of(survivor), slots_of(absorbed)
    for slot in ours.keys() & theirs.keys():
        yield from _clash(slot.field, ours[slot], theirs[slot])
    for kind in survivor.identifiers.keys() & absorbed.identifiers.keys():
        yield from _clash(identifier_field(kind), survivor.identifiers[kind], absorbed.identifiers[kind])


def changes_of(before: Contact, after: Contact) -> Iterator[FieldChange]:
    """Every value that is shown otherwise afterwards; further names and phones that come or go are `also.<kind>`."""
    earlier, later = _shown(before), _shown(after)
    for field in dict.fromkeys((*earlier, *later)):
        if earlier.get(field) != later.get(field):
            yield FieldChange(field=field, before=earlier.get(field), after=later.get(field))
    had, has = _further(before), _further(after)
    yield from (
        FieldChange(field=f"also.{kind}", before=value, after=None) for kind, value in had if (kind, value) not in has
    )
    yield from (
        FieldChange(field=f"also.{kind}", before=None, after=value) for kind, value in has if (kind, value) not in had
    )


def _clash(field: str, ours: Fact, theirs: Fact) -> Iterator[Clash]:
    kept = better(ours, theirs)
    assert kept is not None
    lost = theirs if kept is ours else ours
    if not (blank(lost) or same(kept, lost.value)):
        yield Clash(field=field, kept=kept.value, lost=lost.value)


def _names(ours: Sequence[Fact], theirs: Sequence[Fact]) -> list[Fact]:
    if not ours:
        return list(theirs)
    primary = better(ours[0], theirs[0])
    return sorted((*ours, *theirs), key=lambda fact: fact is not primary)


def _other_phones(joined: Contact, survivor: Contact, absorbed: Contact) -> tuple[Fact, ...]:
    primary = joined.profile.get(PHONE)
    others: dict[Scalar, Fact] = {}
    for fact in (*phones_of(survivor), *phones_of(absorbed)):
        if primary is None or fact.value != primary.value:
            others.setdefault(fact.value, fact)
    return tuple(others.values())


def _further(contact: Contact) -> list[tuple[str, Scalar]]:
    names = [(kind, fact.value) for kind, facts in contact.also.items() for fact in facts]
    return [*names, *((PHONE, fact.value) for fact in contact.phones)]


def _shown(contact: Contact) -> dict[str, Scalar]:
    names = {identifier_field(kind): fact.value for kind, fact in contact.identifiers.items()}
    return {**names, **{slot.field: fact.value for slot, fact in slots_of(contact).items()}}
