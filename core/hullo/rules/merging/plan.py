"""What has to be written so that one contact absorbs another, whoever decided that."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from hullo.model.change_set import Absorption, Change, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.rules.merging.combine import clear_absorbed, combine, list_field_changes
from hullo.value import Value

MAX_UNCONFIRMED_CONTACTS: Final = 50
"""How many people may become one before somebody has to say that it is meant."""
MAX_UNCONFIRMED_CONVERSATIONS: Final = 10_000


class MergePlanResult(Value, dict=True):
    """One contact absorbs another. Both as they were loaded, with the custom data of every app."""

    merge_id: MergeId
    survivor: Contact
    absorbed: Contact
    at: Instant
    by: str
    rule: str

    @property
    def contact_count(self) -> int:
        """How many would be one."""
        return self.survivor.absorbed + self.absorbed.absorbed + 2

    @cached_property
    def merged_survivor(self) -> Contact:
        """The survivor as it will be."""
        return combine(self.survivor, self.absorbed, self.at)

    @cached_property
    def changed_fields(self) -> tuple[str, ...]:
        """What is shown otherwise then."""
        return tuple(change.field for change in list_field_changes(self.survivor, self.merged_survivor))

    @property
    def absorbed_change(self) -> Change[Contact]:
        """What is left of the absorbed one."""
        return replacement(self.absorbed, clear_absorbed(self.absorbed, self.survivor.id, self.at))

    @property
    def merge_change(self) -> Change[Merge]:
        """The images by which it can be undone."""
        return insertion(
            Merge(
                id=self.merge_id,
                workspace_id=self.survivor.workspace_id,
                survivor_id=self.survivor.id,
                absorbed_id=self.absorbed.id,
                at=self.at,
                by=self.by,
                rule=self.rule,
                survivor_before=self.survivor,
                absorbed_before=self.absorbed,
            )
        )

    @property
    def absorption(self) -> Absorption:
        """What points at the absorbed one points at the survivor from then on (L4)."""
        return Absorption(
            merge_id=self.merge_id,
            workspace_id=self.survivor.workspace_id,
            survivor_id=self.survivor.id,
            absorbed_id=self.absorbed.id,
            at=self.at,
            by=self.by,
        )
