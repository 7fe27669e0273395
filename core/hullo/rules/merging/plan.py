"""The writes of one merge."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from hullo.model.change_set import Absorption, Change, insertion, replacement
from hullo.model.contact import Contact
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.merge import Merge, MergeId
from hullo.rules.merging.combine import clear_absorbed, combine, list_field_changes
from hullo.rules.merging.joins import as_record, join
from hullo.value import Value

MAX_UNCONFIRMED_CONTACTS: Final = 50
"""Contacts in one merge that needs no confirmation."""
MAX_UNCONFIRMED_CONVERSATIONS: Final = 10_000


class MergePlanResult(Value, dict=True):
    """One merge. Both contacts are as loaded, with the custom data of every app."""

    merge_id: MergeId
    survivor: Contact
    absorbed: Contact
    at: Instant
    by: str
    rule: str
    joined_by: IdentifierDigest | None = None
    """See `Merge.joined_by`."""

    @property
    def contact_count(self) -> int:
        """Count the contacts that become one."""
        # Plus the two themselves.
        return self.survivor.absorbed + self.absorbed.absorbed + 2

    @cached_property
    def merged_survivor(self) -> Contact:
        """Combine the two."""
        # Cached: the changed fields, the answer and the write all read it, and combining is the costly part.
        if self.joined_by is not None:
            return join(self.survivor, self.record, self.merge_id, self.at)
        return combine(self.survivor, self.absorbed, self.at)

    @cached_property
    def record(self) -> Contact:
        """Return the absorbed contact as the merge keeps it for an undo."""
        return as_record(self.absorbed) if self.joined_by is not None else self.absorbed

    @cached_property
    def changed_fields(self) -> tuple[str, ...]:
        """List the fields that are shown differently afterwards."""
        return tuple(change.field for change in list_field_changes(self.survivor, self.merged_survivor))

    @property
    def absorbed_change(self) -> Change[Contact]:
        """Clear the absorbed contact."""
        # The row stays as a pointer: an absorbed id answers with the survivor for ever (G3).
        return replacement(self.absorbed, clear_absorbed(self.absorbed, self.survivor.id, self.at))

    @property
    def merge_change(self) -> Change[Merge]:
        """Make the merge record, with the images for an undo."""
        return insertion(
            Merge(
                id=self.merge_id,
                workspace_id=self.survivor.workspace_id,
                survivor_id=self.survivor.id,
                absorbed_id=self.absorbed.id,
                at=self.at,
                by=self.by,
                rule=self.rule,
                # Whole images, not a list of differences: an undo years later still knows what each side had (G2).
                survivor_before=self.survivor,
                absorbed_before=self.record,
                joined_by=self.joined_by,
            )
        )

    @property
    def absorption(self) -> Absorption:
        """Move the sessions and conversations of the absorbed contact to the survivor (L4)."""
        return Absorption(
            merge_id=self.merge_id,
            workspace_id=self.survivor.workspace_id,
            survivor_id=self.survivor.id,
            absorbed_id=self.absorbed.id,
            at=self.at,
            by=self.by,
            is_joined=self.joined_by is not None,
        )
