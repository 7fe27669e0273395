"""A contact's values by their place, so that what two contacts hold in the same place can be compared.

Names are no slots: a contact may have any number of them, and nobody else has the same. See `naming.py`.
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
    """Where one value stands. `app_id` is empty but for custom data."""

    section: Literal["profile", "custom_data", "tags"]
    name: str
    app_id: str = ""

    @property
    def field(self) -> str:
        """As provenance is told by: like verdicts, and with the app, as there may be several here."""
        if self.section == "custom_data":
            return custom_field(f"{self.app_id}.{self.name}")
        return self.name if self.section == "profile" else f"tags.{self.name}"


FieldValues = Mapping[FieldPath, Fact]


def field_values(contact: Contact) -> dict[FieldPath, Fact]:
    """Every value that is no name and no further phone."""
    slots = {FieldPath("profile", name): fact for name, fact in contact.profile.items()}
    for app_id, block in contact.custom_data.items():
        slots |= {FieldPath("custom_data", name, app_id): fact for name, fact in block.items()}
    return slots | {FieldPath("tags", name): fact for name, fact in contact.tags.items()}


def with_field_values(contact: Contact, values: FieldValues) -> Contact:
    """The contact with just these values; an app's block that loses all of its values is empty, and so dropped."""
    profile: dict[str, Fact] = {}
    tags: dict[str, Fact] = {}
    blocks: dict[str, dict[str, Fact]] = {app_id: {} for app_id in contact.custom_data}
    for slot, fact in values.items():
        home = {"profile": profile, "tags": tags}.get(slot.section)
        (home if home is not None else blocks.setdefault(slot.app_id, {}))[slot.name] = fact
    return replace(contact, profile=profile, tags=tags, custom_data=blocks)


def preferred_fact(survivors: Fact | None, absorbeds: Fact | None) -> Fact | None:
    """Which of two values for one place stays: the one of higher standing, then the survivor's; blanks are filled
    (G1)."""
    if survivors is None or absorbeds is None:
        return survivors if absorbeds is None else absorbeds
    if is_blank(survivors) != is_blank(absorbeds):
        return absorbeds if is_blank(survivors) else survivors
    return absorbeds if absorbeds.standing > survivors.standing else survivors
