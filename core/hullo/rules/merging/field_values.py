"""Values of a contact by field, so that two contacts can be compared.

Identifiers are not included: a contact may have any number of them, and each belongs to one contact. See
`rules/identifiers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec.structs import replace

from hullo.model.contact import Contact
from hullo.model.fact import Fact, is_blank
from hullo.model.write import custom_field
from hullo.value import Value


class FieldPath(Value, kw_only=False):
    """Path of one value in a contact. `app_id` is empty except for custom data."""

    section: Literal["profile", "custom_data", "tags"]
    name: str
    app_id: str = ""

    @property
    def field(self) -> str:
        """Return the field name for provenance: as in verdicts, with the app, since one contact may have several
        here."""
        # The app's id is part of the name: each app has an independent block, with keys that may be equal.
        if self.section == "custom_data":
            return custom_field(f"{self.app_id}.{self.name}")
        return self.name if self.section == "profile" else f"tags.{self.name}"


FieldValues = Mapping[FieldPath, Fact]


def field_values(contact: Contact) -> dict[FieldPath, Fact]:
    """Collect all values except identifiers and secondary phones."""
    values = {FieldPath("profile", name): fact for name, fact in contact.profile.items()}
    for app_id, block in contact.custom_data.items():
        values |= {FieldPath("custom_data", name, app_id): fact for name, fact in block.items()}
    return values | {FieldPath("tags", name): fact for name, fact in contact.tags.items()}


def with_field_values(contact: Contact, values: FieldValues) -> Contact:
    """Replace all values; a block that loses all of its values becomes empty, so that the store removes it."""
    profile: dict[str, Fact] = {}
    tags: dict[str, Fact] = {}
    # Every loaded block stays in the mapping, even empty: stores remove an empty block and keep a missing one.
    blocks: dict[str, dict[str, Fact]] = {app_id: {} for app_id in contact.custom_data}
    for slot, fact in values.items():
        # `is not None` below, not truth: an empty dict is false, and the first value would go astray.
        target = {"profile": profile, "tags": tags}.get(slot.section)
        (target if target is not None else blocks.setdefault(slot.app_id, {}))[slot.name] = fact
    return replace(contact, profile=profile, tags=tags, custom_data=blocks)


def preferred_fact(survivors: Fact | None, absorbeds: Fact | None) -> Fact | None:
    """Select the value that stays: a blank is filled, then the higher standing wins, then the survivor (G1)."""
    if survivors is None or absorbeds is None:
        return survivors if absorbeds is None else absorbeds
    # Before the standing: an empty text must not win over a value, however proven it is.
    if is_blank(survivors) != is_blank(absorbeds):
        return absorbeds if is_blank(survivors) else survivors
    # Strictly greater: at equal standing the survivor's value stays (G1).
    return absorbeds if absorbeds.standing > survivors.standing else survivors
