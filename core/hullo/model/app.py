"""Workspaces, apps, and the keys that authenticate callers."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import field

from hullo.model.instant import Instant
from hullo.model.retention import Retention
from hullo.value import Value

WorkspaceId = str
AppId = str


class VerificationMode(StrEnum):
    """How strictly an app verifies identify calls (V3)."""

    OFF = "off"
    # The default: a site can add proofs page by page, and a wrong hash is refused already.
    OPTIONAL = "optional"
    # For roll-out: a mistake in the site's signing code must not shut its users out.
    REPORT = "report"
    REQUIRED = "required"


class EmailMatch(StrEnum):
    """How far the email beside a signed id is believed, where another record has it (J)."""

    # The default: a site that had its customers in a CRM first gets one visible contact for each.
    JOINED = "joined"
    # For pages that only the site's own server renders: it is the site's word for the email.
    TRUSTED = "trusted"
    PROVEN = "proven"


class Scope(StrEnum):
    """What an API key may do."""

    READ = "read"
    WRITE = "write"
    # Apart from `write`: an erasure cannot be undone, so a leaked write key must not do it (P2).
    ERASE = "erase"


ALL_SCOPES: Final = frozenset(Scope)


class Workspace(Value, secrets=("salt",)):
    """Owner of contacts. The name is unique."""

    id: WorkspaceId
    name: str
    created_at: Instant
    salt: str = ""
    """Salt of this workspace's tombstones (P2), sealed if there is a master key. Empty in a workspace from an older
    version until hullo is opened."""
    version: int = 0


class IdentityKey(Value, secrets=("secret",)):
    """Key that a site's server signs with: a shared secret (V1, V4), or the public half of the site's own key (V5).

    The text of the secret itself is the HMAC key.
    """

    id: str
    app_id: AppId
    secret: str
    """Sealed if there is a master key, until `Vault.open_app`. Empty for a public key."""
    created_at: Instant
    last_used_at: Instant | None = None
    """To the hour; None while the key is unused."""
    retires_at: Instant | None = None
    """None: not retired."""
    public_key: str | None = None
    """JWK (RFC 7517) as JSON text, which verifies tokens and signs nothing (V5). None for a secret."""

    def is_active(self, now: Instant) -> bool:
        """Return whether the key still verifies."""
        # A retire time may lie in the future: signers that are still on the old key go on working (V4).
        return self.retires_at is None or now < self.retires_at

    def can_sign(self, now: Instant) -> bool:
        """Return whether the key is active and a secret: a public key cannot sign."""
        # The secret of a public key is empty, and an HMAC under an empty key could be made by any caller.
        return self.public_key is None and self.is_active(now)


class App(Value):
    """One place where a widget runs.

    `identity_keys` includes retired keys. An app without `origins` accepts loopback origins only. `version` grows with
    every change of the app or its keys, so that a process with a cached app knows when to reload it.
    """

    id: AppId
    workspace_id: WorkspaceId
    name: str
    created_at: Instant
    origins: tuple[str, ...] = ()
    verification: VerificationMode = VerificationMode.OPTIONAL
    region: str | None = None
    """Two-letter country for phone numbers written without `+`."""
    consent_required: bool = False
    """True: nothing is stored about a visitor until the page sends their consent."""
    retention: Retention = field(default_factory=Retention)
    linked_logout: bool = True
    """False: sessions that hops bring to this app, or take from it, end apart from the ones they came from (S5)."""
    email_match: EmailMatch = EmailMatch.JOINED
    protected_keys: tuple[str, ...] = ()
    """Custom keys and profile fields that only the site itself writes; `billing.*` is all that begin with `billing.`
    (W12)."""
    identity_keys: tuple[IdentityKey, ...] = ()
    version: int = 0

    @property
    def app_key(self) -> str:
        """Return the key that pages send. It is public, so it is the id."""
        return self.id

    def protects(self, name: str) -> bool:
        """Return whether only the site itself writes this custom key or profile field (W12)."""
        return any(
            name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
            for pattern in self.protected_keys
        )

    def signing_key(self, now: Instant) -> IdentityKey | None:
        """Return the newest key that signs; None where every key is retired or public."""
        # Keys are appended, so the last one is the newest; a rotation takes effect at once.
        return next((key for key in reversed(self.identity_keys) if key.can_sign(now)), None)


class ApiKey(Value):
    """Credential of a server for one workspace, or for one app of it when `app_id` is set. Only a digest is stored."""

    id: str
    workspace_id: WorkspaceId
    # A copy of the database authenticates no caller.
    digest: str
    created_at: Instant
    app_id: AppId | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    revoked_at: Instant | None = None
    version: int = 0

    @property
    def writer(self) -> str:
        """Return the name of this key in the facts it wrote (`Fact.by`)."""
        return f"api-key:{self.id}"
