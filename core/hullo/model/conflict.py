"""Two identifiers that point at different people, kept for a person to look at (C7)."""

from __future__ import annotations

from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

ConflictStatus = Literal["open", "resolved"]
ConflictResolution = Literal["merge", "keep", "move_email"]
"""`merge`: they are one. `keep`: they are two, and nobody needs to be told again. `move_email`: the email went to
`contact_id`."""


class Conflict(Value):
    """`contact_id` is whom the call was about, `other_id` who has the `field` that it named.

    There is at most one conflict for a pair of contacts that is open, or was settled by keeping them apart.
    """

    id: str
    workspace_id: str
    app_id: str | None
    contact_id: ContactId
    other_id: ContactId
    field: str
    """The identifier's kind: `email`, `external_id`, or a plugin's."""
    rule: str
    """Why the two were kept apart: `C1` to `C4`, `C6`."""
    created_at: Instant
    digest: IdentifierDigest | None = None
    """Which identifier of `other_id` it is about. None where it was recorded before
    that was kept."""
    status: ConflictStatus = "open"
    resolution: ConflictResolution | None = None
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    """The writer, as in `Fact.by`."""
    version: int = 0

    @property
    def pair_key(self) -> str:
        """The same for (a, b) and (b, a)."""
        return pair_key(self.contact_id, self.other_id)

    @property
    def blocks_new_report(self) -> bool:
        """Whether the pair is not to be reported again: somebody will look at it, or has kept them apart (C7)."""
        return self.status == "open" or self.resolution == "keep"


def pair_key(first: ContactId, second: ContactId) -> str:
    """What makes two contacts a pair, whichever is named first."""
    return "|".join(sorted((first, second)))
