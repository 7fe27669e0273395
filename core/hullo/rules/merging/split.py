"""Takes a merge apart again: everybody has what they had, and what was changed since stays and is told (G2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from hullo.model.contact import Contact, ContactId, identifier_of
from hullo.model.fact import Fact
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.write import identifier_field
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.merging.field_values import field_values, preferred_fact, with_field_values
from hullo.rules.phones import PHONE, all_phones
from hullo.value import Value


class ChangedField(Value):
    """A value that is not given back as it came, and why."""

    field: str
    reason: str


class SplitResult(Value):
    """The two as they are afterwards."""

    survivor: Contact
    restored: Contact
    changed_since: tuple[ChangedField, ...]


def split_contacts(
    survivor: Contact,
    absorbed: Contact,
    merge: Merge,
    others: Sequence[Merge],
    contact_ids: Mapping[IdentifierDigest, ContactId],
    at: Instant,
) -> SplitResult:
    """Both as they are without the merge.

    `absorbed` is what is left of it, `others` are the survivor's further merges that stand, in their order, and
    `owners` say who has the names today that came with this one.
    """
    restored, taken = _restore_absorbed(survivor, merge, contact_ids)
    return SplitResult(
        survivor=replace(without_merge(survivor, merge, others), updated_at=at),
        restored=replace(restored, version=absorbed.version, updated_at=at),
        changed_since=(*taken, *_find_changed_fields(survivor, merge, others)),
    )


def without_merge(image: Contact, merge: Merge, others: Sequence[Merge]) -> Contact:
    """A survivor, today's or as an image holds it, without what came with this merge, and with what the others bring
    into the places that become free."""
    came, before, now = field_values(merge.absorbed_before), field_values(merge.survivor_before), field_values(image)
    brought = [field_values(other.absorbed_before) for other in others]
    for slot, fact in came.items():
        if now.get(slot) != fact or before.get(slot) == fact:
            continue
        rest = before.get(slot)
        for theirs in brought:
            rest = preferred_fact(rest, theirs.get(slot))
        if rest is None:
            del now[slot]
        else:
            now[slot] = rest
    left = with_field_values(image, now)
    for kind in {kind for kind, _ in merge.absorbed_before.all_identifiers()}:
        left = with_identifiers(left, kind, _remaining_identifiers(image, kind, merge, others))
    return replace(
        left,
        phones=_remaining_phones(left, merge, others),
        absorbed=image.absorbed - merge.absorbed_before.absorbed - 1,
    )


def _remaining_identifiers(image: Contact, kind: str, merge: Merge, others: Sequence[Merge]) -> list[Fact]:
    held = identifier_facts(image, kind)
    left = [fact for fact in held if merge.absorbed_before.identifier_fact(identifier_of(kind, fact)) is None]
    if not left or left[0] is held[0]:
        return left
    # The primary one goes: the next is whichever would be it if this merge had never been.
    primary: Fact | None = None
    for earlier in (merge.survivor_before, *(other.absorbed_before for other in others)):
        named = earlier.identifiers.get(kind)
        mine = next(
            (
                fact
                for fact in left
                if named is not None and identifier_of(kind, fact).key == identifier_of(kind, named).key
            ),
            None,
        )
        primary = preferred_fact(primary, mine)
    return left if primary is None else sorted(left, key=lambda fact: fact is not primary)


def _remaining_phones(left: Contact, merge: Merge, others: Sequence[Merge]) -> tuple[Fact, ...]:
    came = {fact.value for fact in all_phones(merge.absorbed_before)}
    stay = {
        fact.value
        for each in (merge.survivor_before, *(other.absorbed_before for other in others))
        for fact in all_phones(each)
    }
    primary = left.profile.get(PHONE)
    gone = came - stay
    if primary is not None:
        gone.add(primary.value)
    return tuple(fact for fact in left.phones if fact.value not in gone)


def _restore_absorbed(
    survivor: Contact, merge: Merge, owners: Mapping[IdentifierDigest, ContactId]
) -> tuple[Contact, list[ChangedField]]:
    """The absorbed one as it was, save for names that somebody else has today. What is known of a name by now stays
    known of it."""
    restored, taken = merge.absorbed_before, list[ChangedField]()
    for kind in dict.fromkeys(kind for kind, _ in merge.absorbed_before.all_identifiers()):
        names: list[Fact] = []
        for fact in identifier_facts(merge.absorbed_before, kind):
            owner = owners.get(identifier_of(kind, fact).digest(merge.workspace_id))
            if owner is None:
                names.append(fact)
            elif owner == survivor.id:
                names.append(survivor.identifier_fact(identifier_of(kind, fact)) or fact)
            else:
                taken.append(ChangedField(field=identifier_field(kind), reason=f"{owner} has it now"))
        restored = with_identifiers(restored, kind, names)
    return restored, taken


def _find_changed_fields(survivor: Contact, merge: Merge, others: Sequence[Merge]) -> Iterator[ChangedField]:
    came, before, now = field_values(merge.absorbed_before), field_values(merge.survivor_before), field_values(survivor)
    brought = [field_values(other.absorbed_before) for other in others]
    for slot, fact in came.items():
        held = now.get(slot)
        given = preferred_fact(before.get(slot), fact) is fact and before.get(slot) != fact
        if not given or held == fact or (held is not None and any(held == theirs.get(slot) for theirs in brought)):
            continue
        did = "was cleared since" if held is None else "was changed since, and stays with the survivor"
        yield ChangedField(field=slot.field, reason=f"{did}; the other has its own again")
