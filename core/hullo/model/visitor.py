"""Visitors, each a browser in one app, and the sessions that authenticate them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field
from msgspec.structs import replace

from hullo.model.block import Block
from hullo.model.contact import ContactId
from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.standing import Standing
from hullo.model.tombstone import redact_claim
from hullo.value import Value

VisitorId = str
SessionDigest = str

SESSION_LIFETIME: Instant = 180 * DAY
"""S3. Sliding: every use renews it."""
# An hour is nothing beside 180 days, and a busy page would write at every view otherwise.
TOUCH_INTERVAL: Instant = HOUR
"""Maximum age of `seen_at`, so that a call that changes nothing costs reads only (W9)."""


class Visitor(Value):
    """Browser in one app, anonymous until identified. The id alone proves nothing (S1)."""

    id: VisitorId
    app_id: str
    created_at: Instant


class Session(Value):
    """Credential of a visitor. The token is never stored: `digest` is its SHA-256.

    `contact_id` and `standing` are None until the visitor is identified. `claimed_identifiers` holds the digest of the
    last identifier of each kind that this session sent. It decides what an unproven caller learns about a user switch,
    since stored data must not (H2).

    A visitor who claims an erased identifier has a standing and no contact (P2). Its claims are redacted then: digests
    without the workspace's salt could be tested against a list of emails. So has one whose contact was logged out or
    erased after it only claimed to be that person (H4).
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
    """Identifiers of the contact proven in this session. It stays proven while the contact owns any of them."""
    revoked_at: Instant | None = None
    hop_group: str | None = None
    """Names the sessions that hops have connected: they end together (S5). None without a hop, and where an app keeps
    its sessions apart."""
    is_lead: bool = False
    """True while the only identification came from the widget's own prompt, unproven: the visitor typed it (C8)."""
    block: Block | None = None
    """Of the visitor, or taken over from the session that the browser had before. None: it is not blocked."""
    version: int = 0

    @property
    def id(self) -> str:
        """Return the visitor's id: each session has its own visitor, and the digest is not public."""
        return self.visitor_id

    @property
    def is_identified(self) -> bool:
        """Return whether the visitor has sent an identity: all that it learns about itself without proof (H2)."""
        return self.standing is not None

    @property
    def is_proven(self) -> bool:
        """Return whether the session may read stored data of its contact (H1)."""
        return self.standing is Standing.PROVEN

    def without_contact(self) -> Session:
        """Return the session of a visitor who only claimed to be a person that is logged out or erased now (H4).

        It keeps a standing: its visitor is answered as before, and learns nothing.
        """
        return replace(self, contact_id=None, standing=Standing.CLAIMED, proven_identifiers=())

    def with_redacted_claims(self, salt: str) -> Session:
        """Return the session with every claim redacted, after a person it claimed to be was erased (P2)."""
        claimed = {kind: redact_claim(digest, salt) for kind, digest in self.claimed_identifiers.items()}
        return replace(self, claimed_identifiers=claimed)

    def is_valid(self, now: Instant) -> bool:
        """Return whether the session is neither revoked (S2) nor expired (S3)."""
        # Checked on every call, so a revocation needs no job that cleans up.
        return self.revoked_at is None and now < self.expires_at

    def is_stale(self, now: Instant) -> bool:
        """Return whether `seen_at` is old enough to be worth a write."""
        return now - self.seen_at >= TOUCH_INTERVAL
