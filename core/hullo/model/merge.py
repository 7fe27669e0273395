"""Two contacts that are one from now on, and everything that it takes to make them two again (rules G)."""

from __future__ import annotations

from hullo.model.contact import Contact, ContactId
from hullo.model.instant import Instant
from hullo.value import Value

MergeId = str


class MergePlan(Value):
    """A plugin's answer: these two are one person. `rule` is why, as it is kept with the merge."""

    rule: str


class Merge(Value):
    """`absorbed_id` became part of `survivor_id`. Kept for ever, as are the images, unless the person is erased."""

    id: MergeId
    workspace_id: str
    survivor_id: ContactId
    absorbed_id: ContactId
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
    rule: str
    """Why: `C1`, `by hand`, `conflict <id>`, or a plugin's own word."""
    survivor_before: Contact
    """As it was before, with every app's custom data."""
    absorbed_before: Contact
    undone_at: Instant | None = None
    undone_by: str | None = None
    version: int = 0

    @property
    def is_active(self) -> bool:
        """Whether it was not undone."""
        return self.undone_at is None


class RelatedCounts(Value):
    """How much is about a contact and everybody whom it absorbed: what a merge or an erasure would move or remove."""

    people: int
    """1, and those that it absorbed."""
    conversations: int
    sessions: int
    events: int
    """In its timeline."""
    notes: int
