"""Two identifiers that point at different people, kept for a person to look at (C7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hullo.model.contact import ContactId
from hullo.model.instant import Instant

ConflictStatus = Literal["open", "resolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """`contact_id` is whom the call was about, `other_id` who has the `field` that it named.

    There is at most one open conflict for a pair of contacts.
    """

    id: str
    workspace_id: str
    app_id: str | None
    contact_id: ContactId
    other_id: ContactId
    field: str
    """The identifier's kind: `email`, `external_id`, or a plugin's."""
    rule: str
    """Why the two were kept apart: `C1` to `C4`."""
    created_at: Instant
    status: ConflictStatus = "open"
    version: int = 0

    @property
    def pair(self) -> str:
        """The same for (a, b) and (b, a)."""
        return pair_of(self.contact_id, self.other_id)


def pair_of(first: ContactId, second: ContactId) -> str:
    """What makes two contacts a pair, whichever is named first."""
    return "|".join(sorted((first, second)))
