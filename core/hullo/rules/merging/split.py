"""Split of a merged contact: both get back their own data; values changed since the merge stay and are reported
(G2)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from hullo.model.block import BlockId, ContactBlock
from hullo.model.contact import Contact, ContactId, identifier_of
from hullo.model.fact import Fact
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.model.write import identifier_field
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.merging.field_values import field_values, preferred_fact, with_field_values
from hullo.rules.merging.joins import shown_record, strip_ended_joins, without_join
from hullo.rules.merging.writes_since import writes_since
from hullo.rules.phones import PHONE, all_phones
from hullo.value import Value


class ChangedField(Value):
    """Value that is not restored on the survivor's side, and the reason."""

    field: str
    reason: str


class SplitResult(Value):
    """Both contacts after the split."""

    survivor: Contact
    restored: Contact
    changed_since: tuple[ChangedField, ...]


def split_contacts(
    survivor: Contact,
    absorbed: Contact,
    merge: Merge,
    others: Sequence[Merge],
    contact_ids: Mapping[IdentifierDigest, ContactId],
    merges: Mapping[MergeId, Merge],
    at: Instant,
    returning: Collection[Instant] = (),
) -> SplitResult:
    """Compute both contacts without the merge.

    `absorbed` is the cleared contact, `others` are the survivor's other active merges, in order, and `contact_ids`
    names the current owners of the identifiers that came with this one. `merges` holds the joins that either shows.
    What was written at the times of `returning` goes to the restored contact: the calls named it (G2).
    """
    restored, taken = _restore_absorbed(survivor, merge, contact_ids)
    # What came since with a call about the other is taken first: what it replaced is then the merge's to undo.
    images = (merge.survivor_before, shown_record(merge), *map(shown_record, others))
    since = writes_since(survivor, merge, images, returning)
    remaining = without_merge(since.without(survivor, images), merge, others)
    return SplitResult(
        # Images may show records of joins that have ended since: their values are not to come back (J).
        survivor=replace(strip_ended_joins(remaining, merges), updated_at=at),
        # The image has the version of its time; the write must be compared with the stored one.
        restored=replace(
            strip_ended_joins(since.added_to(restored), merges),
            version=absorbed.version,
            updated_at=at,
            blocks=_restored_blocks(survivor, merge, others),
        ),
        changed_since=(
            *taken,
            *(
                ChangedField(field=changed.field, reason=changed.reason)
                for changed in _find_changed_fields(survivor, merge, others)
                if changed.field not in since.returning_fields
            ),
            *(
                ChangedField(field=field, reason="is new since, and stays with the survivor")
                for field in since.staying_fields
            ),
        ),
    )


def without_merge(image: Contact, merge: Merge, others: Sequence[Merge]) -> Contact:
    """Remove the data of this merge from a survivor, current or in an image. Values of the other merges fill the free
    fields."""
    if merge.joined_by is not None:
        return replace(without_join(image, merge, others), blocks=_remaining_blocks(image, merge, others))
    absorbed_values, survivor_values = field_values(merge.absorbed_before), field_values(merge.survivor_before)
    current = field_values(image)
    other_values = [field_values(shown_record(other)) for other in others]
    for slot, fact in absorbed_values.items():
        # G2: changed since, or the survivor's own all along: it stays.
        if current.get(slot) != fact or survivor_values.get(slot) == fact:
            continue
        rest = survivor_values.get(slot)
        # Other merges may have lost this place to the merge that goes: their values compete again, in order.
        for values in other_values:
            rest = preferred_fact(rest, values.get(slot))
        # No remaining contact has a value here, so the place becomes blank again.
        if rest is None:
            del current[slot]
        else:
            current[slot] = rest
    remaining = with_field_values(image, current)
    # Other kinds cannot have changed by this merge.
    for kind in {kind for kind, _ in merge.absorbed_before.all_identifiers()}:
        remaining = with_identifiers(remaining, kind, _remaining_identifiers(image, kind, merge, others))
    return replace(
        remaining,
        phones=_remaining_phones(remaining, merge, others),
        blocks=_remaining_blocks(image, merge, others),
        # The contacts that the absorbed one had absorbed leave together with it.
        absorbed=image.absorbed - merge.absorbed_before.absorbed - 1,
    )


def _remaining_blocks(image: Contact, merge: Merge, others: Sequence[Merge]) -> tuple[ContactBlock, ...]:
    """Return the survivor's blocks without those that only the absorbed contact brought."""
    brought = {block.id for block in merge.absorbed_before.blocks} - _block_ids_of_others(merge, others)
    return tuple(block for block in image.blocks if block.id not in brought)


def _restored_blocks(survivor: Contact, merge: Merge, others: Sequence[Merge]) -> tuple[ContactBlock, ...]:
    """Return the absorbed contact's blocks, as far as none has ended since, and those that were made while the two were
    one: they were meant for both."""
    foreign = _block_ids_of_others(merge, others) - {block.id for block in merge.absorbed_before.blocks}
    return tuple(block for block in survivor.blocks if block.id not in foreign)


def _block_ids_of_others(merge: Merge, others: Sequence[Merge]) -> set[BlockId]:
    sides = (merge.survivor_before, *map(shown_record, others))
    return {block.id for side in sides for block in side.blocks}


def _remaining_identifiers(image: Contact, kind: str, merge: Merge, others: Sequence[Merge]) -> list[Fact]:
    stored = identifier_facts(image, kind)
    remaining = [fact for fact in stored if merge.absorbed_before.identifier_fact(identifier_of(kind, fact)) is None]
    # The primary one stays, so the order needs no decision.
    if not remaining or remaining[0] is stored[0]:
        return remaining
    # The primary identifier leaves: the next is the one that would be primary without this merge.
    primary: Fact | None = None
    for earlier in (merge.survivor_before, *map(shown_record, others)):
        named = earlier.identifiers.get(kind)
        candidate = next(
            (
                fact
                for fact in remaining
                if named is not None and identifier_of(kind, fact).key == identifier_of(kind, named).key
            ),
            None,
        )
        primary = preferred_fact(primary, candidate)
    return remaining if primary is None else sorted(remaining, key=lambda fact: fact is not primary)


def _remaining_phones(remaining: Contact, merge: Merge, others: Sequence[Merge]) -> tuple[Fact, ...]:
    absorbed_values = {fact.value for fact in all_phones(merge.absorbed_before)}
    # A number that another source also had stays, since this merge was not its only origin.
    stay = {fact.value for image in (merge.survivor_before, *map(shown_record, others)) for fact in all_phones(image)}
    primary = remaining.profile.get(PHONE)
    dropped = absorbed_values - stay
    if primary is not None:
        # The primary phone is no secondary one beside itself.
        dropped.add(primary.value)
    return tuple(fact for fact in remaining.phones if fact.value not in dropped)


def _restore_absorbed(
    survivor: Contact, merge: Merge, owners: Mapping[IdentifierDigest, ContactId]
) -> tuple[Contact, list[ChangedField]]:
    """Restore the absorbed contact, without identifiers that a third contact has now. Facts of the survivor are kept,
    since their standing may have risen."""
    restored, taken = merge.absorbed_before, list[ChangedField]()
    for kind in dict.fromkeys(kind for kind, _ in merge.absorbed_before.all_identifiers()):
        names: list[Fact] = []
        for fact in identifier_facts(merge.absorbed_before, kind):
            owner = owners.get(identifier_of(kind, fact).digest(merge.workspace_id))
            # No contact has it today: the restored contact takes it back.
            if owner is None or (owner == survivor.id and merge.joined_by is not None):
                names.append(fact)
            # The survivor's fact is newer: a standing that was proven after the merge goes back with it (G2).
            elif owner == survivor.id:
                names.append(survivor.identifier_fact(identifier_of(kind, fact)) or fact)
            # A third contact has taken it since: identifiers are unique, so it is reported and not taken away.
            else:
                taken.append(ChangedField(field=identifier_field(kind), reason=f"{owner} has it now"))
        restored = with_identifiers(restored, kind, names)
    return restored, taken


def _find_changed_fields(survivor: Contact, merge: Merge, others: Sequence[Merge]) -> Iterator[ChangedField]:
    absorbed_values, survivor_values = field_values(shown_record(merge)), field_values(merge.survivor_before)
    current = field_values(survivor)
    other_values = [field_values(shown_record(other)) for other in others]
    for slot, fact in absorbed_values.items():
        stored = current.get(slot)
        # Only values that the merge really showed on the survivor can have changed there since.
        given = preferred_fact(survivor_values.get(slot), fact) is fact and survivor_values.get(slot) != fact
        if (
            not given
            or stored == fact
            or (stored is not None and any(stored == values.get(slot) for values in other_values))
        ):
            continue
        change = "was cleared since" if stored is None else "was changed since, and stays with the survivor"
        yield ChangedField(field=slot.field, reason=f"{change}; the other has its own again")
