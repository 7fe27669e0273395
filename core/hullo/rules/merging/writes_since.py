"""What was written to a survivor since a merge, and by calls about whom (G2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from hullo.model.contact import Contact, identifier_of
from hullo.model.fact import Fact
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.write import identifier_field
from hullo.rules.identifiers import identifier_facts, with_identifiers
from hullo.rules.merging.field_values import FieldPath, field_values, preferred_fact, with_field_values
from hullo.rules.phones import PHONE
from hullo.value import Value


class WritesSince(Value):
    """Values that the survivor got since the merge: those that calls about the absorbed contact wrote, and new ones
    that stay."""

    values: dict[FieldPath, Fact]
    identifiers: tuple[tuple[str, Fact], ...]
    phones: tuple[Fact, ...]
    staying_fields: tuple[str, ...]
    """Fields that neither contact had: an undo leaves them with the survivor."""

    @property
    def returning_fields(self) -> frozenset[str]:
        """Return the fields that go to the restored contact."""
        return frozenset(slot.field for slot in self.values)

    def without(self, survivor: Contact, images: Sequence[Contact]) -> Contact:
        """Return the survivor without what goes back; of `images`, the value that would be shown takes its place."""
        current = field_values(survivor)
        earlier_values = [field_values(image) for image in images]
        for slot in self.values:
            del current[slot]
            # The value that came with the merge leaves in the next step, as if it had never been replaced.
            earlier: Fact | None = None
            for held in earlier_values:
                earlier = preferred_fact(earlier, held.get(slot))
            if earlier is not None:
                current[slot] = earlier
        contact = with_field_values(survivor, current)
        for kind, fact in self.identifiers:
            facts = (held for held in identifier_facts(contact, kind) if held is not fact)
            contact = with_identifiers(contact, kind, facts)
        return replace(contact, phones=tuple(fact for fact in contact.phones if fact not in self.phones))

    def added_to(self, restored: Contact) -> Contact:
        """Return the restored contact with what goes back."""
        contact = with_field_values(restored, {**field_values(restored), **self.values})
        for kind, fact in self.identifiers:
            # The newest becomes the primary one, as when it was given (W7).
            contact = with_identifiers(contact, kind, (fact, *identifier_facts(contact, kind)))
        known = {fact.value for fact in (*contact.phones, *filter(None, [contact.profile.get(PHONE)]))}
        # Phones are not unique: the restored contact may have had the number all along.
        added = tuple(fact for fact in self.phones if fact.value not in known)
        return replace(contact, phones=(*contact.phones, *added))


def writes_since(
    survivor: Contact, merge: Merge, images: Sequence[Contact], returning: Collection[Instant]
) -> WritesSince:
    """Collect the survivor's values that are newer than the merge. Those written at a time of `returning` go back.

    `images` are the contacts whose values the survivor shows. Nothing goes back from a join on a claim: what its site
    wrote is in the record already (J).
    """
    known = {slot for image in images for slot in field_values(image)}
    values: dict[FieldPath, Fact] = {}
    staying: dict[str, None] = {}
    for slot, fact in field_values(survivor).items():
        # By the time alone: two changes of one contact never have one time.
        if fact.at > merge.at and fact.at in returning:
            values[slot] = fact
        elif fact.at > merge.at and slot not in known and fact.joined_by is None:
            staying[slot.field] = None
    identifiers: list[tuple[str, Fact]] = []
    for kind, fact in survivor.all_identifiers():
        if fact.at <= merge.at or fact.joined_by is not None or _is_known(identifier_of(kind, fact), images):
            continue
        if fact.at in returning:
            identifiers.append((kind, fact))
        else:
            staying[identifier_field(kind)] = None
    phones = tuple(fact for fact in survivor.phones if fact.at > merge.at and fact.at in returning)
    # Of a join, everything new is the visitor's own: nothing of it is worth a word.
    is_join = merge.joined_by is not None
    return WritesSince(
        values=values,
        identifiers=tuple(identifiers),
        phones=phones,
        staying_fields=() if is_join else tuple(staying),
    )


def _is_known(identifier: Identifier, images: Sequence[Contact]) -> bool:
    return any(image.has_identifier(identifier) for image in images)
