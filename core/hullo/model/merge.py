"""Merges of two contacts, with all that is needed to undo them (rules G)."""

from __future__ import annotations

from hullo.model.contact import Contact, ContactId
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

MergeId = str


class MergePlan(Value):
    """Answer of a plugin that two contacts are one person. `rule` is the reason, stored with the merge."""

    rule: str


class Merge(Value):
    """Absorption of `absorbed_id` by `survivor_id`. Stored for ever, with the images, unless the person is erased."""

    id: MergeId
    workspace_id: str
    survivor_id: ContactId
    absorbed_id: ContactId
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
    rule: str
    """Reason: `C1`, `C3`, `by hand`, `conflict <id>`, or a text of a plugin."""
    survivor_before: Contact
    """The survivor before the merge, with every app's custom data."""
    absorbed_before: Contact
    """While the merge is a join on a claim, the record as it is now: what the site writes about its email alone is
    written here (J)."""
    joined_by: IdentifierDigest | None = None
    """The email that joins the two on a claim (J). None for an ordinary merge, and once the join is confirmed."""
    undone_at: Instant | None = None
    undone_by: str | None = None
    version: int = 0

    @property
    def is_active(self) -> bool:
        """Return whether the merge was not undone."""
        return self.undone_at is None


class RelatedCounts(Value):
    """Number of records about a contact and all contacts it absorbed: those that a merge moves or an erasure
    removes."""

    people: int
    """1, plus the contacts it absorbed."""
    conversations: int
    sessions: int
    events: int
    """In the timeline."""
    notes: int
