"""A browser profile in one app, and the secret that proves it is that browser."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from hullo.model.contact import ContactId
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.standing import Standing
from hullo.value import Value

VisitorId = str
SessionDigest = str

SESSION_LIFETIME: Instant = 180 * DAY
"""S3. Slides: every use sets the end anew."""
TOUCH_INTERVAL: Instant = HOUR
"""How stale `seen_at` may get, so that a call that changes nothing can cost reads only (W9)."""


class Visitor(Value):
    """Anonymous until identified. Its id alone proves nothing (S1)."""

    id: VisitorId
    app_id: str
    created_at: Instant


class Session(Value):
    """A visitor's credential. The token itself is never stored: `digest` is its SHA-256.

    `contact_id` and `standing` are None until the visitor is identified. `claimed` is what this session itself
    has said: the digest of the last identifier of each kind. It decides what an unproven caller may be told
    about a user switch, since what is stored must not (H2).

    A visitor who says the name of somebody who was erased has a standing and no contact (P2). What it has claimed is
    veiled then: digests without the workspace's salt could be tried out.
    """

    digest: SessionDigest
    workspace_id: str
    app_id: str
    visitor_id: VisitorId
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    contact_id: ContactId | None = None
    standing: Standing | None = None
    claimed_identifiers: Mapping[str, IdentifierDigest] = field(default_factory=dict[str, IdentifierDigest])
    proven_identifiers: tuple[IdentifierDigest, ...] = ()
    """What was proven of the contact in this session. It stays proven while the contact owns any of it."""
    revoked_at: Instant | None = None
    version: int = 0

    @property
    def id(self) -> str:
        """Its visitor's: every session has a visitor of its own, and is told apart by it where nobody may know more."""
        return self.visitor_id

    @property
    def is_identified(self) -> bool:
        """Whether the visitor has said who it is: all that it is told of itself without proof (H2)."""
        return self.standing is not None

    @property
    def is_proven(self) -> bool:
        """Whether it may read what is stored about its contact (H1)."""
        return self.standing is Standing.PROVEN

    def is_valid(self, now: Instant) -> bool:
        """Neither revoked (S2) nor expired (S3)."""
        return self.revoked_at is None and now < self.expires_at

    def is_stale(self, now: Instant) -> bool:
        """Whether it was last seen so long ago that seeing it again is worth a write."""
        return now - self.seen_at >= TOUCH_INTERVAL
