"""Identifiers of one call that belong to different contacts, stored for review by an agent (C7)."""

from __future__ import annotations

from typing import Final, Literal

from hullo.model.contact import ContactId
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

ConflictStatus = Literal["open", "resolved"]
ConflictResolution = Literal["merge", "keep", "move_email"]
"""`merge`: they are one person. `keep`: they are two, and the pair is not reported again. `move_email`: the email moved
to `contact_id`."""

CONFLICT_RULES: Final = ("C1", "C2", "C3", "C4", "C6", "M2")
"""Why two contacts were kept apart; `M2` where a migration found that they have one email."""


class Conflict(Value):
    """`contact_id` is the contact of the call, `other_id` the contact that owns the `field` in it.

    A pair of contacts has at most one conflict that is open or resolved with `keep`.
    """

    id: str
    workspace_id: str
    app_id: str | None
    contact_id: ContactId
    other_id: ContactId
    field: str
    """The identifier's kind: `email`, `external_id`, or a plugin's."""
    rule: str
    """One of `CONFLICT_RULES`."""
    created_at: Instant
    digest: IdentifierDigest | None = None
    """The identifier of `other_id` that caused it. None in records of older versions."""
    status: ConflictStatus = "open"
    resolution: ConflictResolution | None = None
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    """The writer, as in `Fact.by`."""
    version: int = 0

    @property
    def pair_key(self) -> str:
        """Return the key of the pair, the same for (a, b) and (b, a)."""
        return pair_key(self.contact_id, self.other_id)

    @property
    def blocks_new_report(self) -> bool:
        """Return whether the pair is not reported again: it is open, or an agent kept the two apart (C7)."""
        # After a merge or a moved email the ground is another, so the pair may be reported again.
        return self.status == "open" or self.resolution == "keep"


def pair_key(first: ContactId, second: ContactId) -> str:
    """Return one key for two contacts, in either order."""
    # Sorted: the conflict is the same from either side, and is stored once (C9).
    return "|".join(sorted((first, second)))
