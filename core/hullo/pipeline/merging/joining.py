"""What has to be written so that one contact absorbs another, whoever decided that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hullo.model.change_set import Absorption, Change, changed, created
from hullo.model.contact import Contact
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.pipeline.merging.combine import changes_of, combined, emptied

PEOPLE_UNASKED: Final = 50
"""How many people may become one before somebody has to say that it is meant."""
CONVERSATIONS_UNASKED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Joining:
    """One contact absorbs another. Both as they were loaded, with the custom data of every app."""

    merge_id: MergeId
    survivor: Contact
    absorbed: Contact
    at: Instant
    by: str
    rule: str

    @property
    def people(self) -> int:
        """How many would be one."""
        return self.survivor.absorbed + self.absorbed.absorbed + 2

    @cached_property
    def joined(self) -> Contact:
        """The survivor as it will be."""
        return combined(self.survivor, self.absorbed, self.at)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """What is shown otherwise then."""
        return tuple(change.field for change in changes_of(self.survivor, self.joined))

    @property
    def emptied(self) -> Change[Contact]:
        """What is left of the absorbed one."""
        return changed(self.absorbed, emptied(self.absorbed, self.survivor.id, self.at))

    @property
    def merge(self) -> Change[Merge]:
        """The images by which it can be undone."""
        return created(
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
