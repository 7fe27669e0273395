"""Workspaces, apps, and the keys that vouch for callers."""

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
    """What an app demands of its callers (V3)."""

    OFF = "off"
    OPTIONAL = "optional"
    REPORT = "report"
    REQUIRED = "required"


class Scope(StrEnum):
    """What an API key may do."""

    READ = "read"
    WRITE = "write"
    ERASE = "erase"


ALL_SCOPES: Final = frozenset(Scope)


class Workspace(Value, secrets=("salt",)):
    """Owns contacts. Its name is unique."""

    id: WorkspaceId
    name: str
    created_at: Instant
    salt: str = ""
    """What tombstones are salted with (P2). Sealed under the master key, if there is one. Empty until hullo is opened,
    in one that was made before there were any."""
    version: int = 0


class IdentityKey(Value, secrets=("secret",)):
    """What a site's server signs with: a secret that both know (V1, V4), or its own, whose public half is here (V5).

    The text of the secret itself is the HMAC key.
    """

    id: str
    app_id: AppId
    secret: str
    """Sealed under the master key, if there is one, until `Vault.opened`. Empty for a public key."""
    created_at: Instant
    last_used_at: Instant | None = None
    """To the hour; None while nobody signed with it."""
    retires_at: Instant | None = None
    """None: until somebody retires it."""
    public_key: str | None = None
    """A JWK (RFC 7517) as JSON text, which verifies tokens and makes nothing (V5). None for a secret."""

    def is_active(self, now: Instant) -> bool:
        """Whether it still verifies."""
        return self.retires_at is None or now < self.retires_at

    def can_sign(self, now: Instant) -> bool:
        """Whether it is active, and a secret: a public key makes nothing."""
        return self.public_key is None and self.is_active(now)


class App(Value):
    """One place a widget runs.

    `identity_keys` holds the retired ones too. An app with no `origins` takes loopback origins only. `version`
    grows with every change of the app or its keys, so that a process that remembers an app can tell that it
    must look again.
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
    """Whether nothing is stored of a visitor until the page says that they agree."""
    retention: Retention = field(default_factory=Retention)
    identity_keys: tuple[IdentityKey, ...] = ()
    version: int = 0

    @property
    def app_key(self) -> str:
        """What pages send. It is public, so it is simply the id."""
        return self.id

    def signing_key(self, now: Instant) -> IdentityKey | None:
        """The newest that signs; None where every key is retired, or public."""
        return next((key for key in reversed(self.identity_keys) if key.can_sign(now)), None)


class ApiKey(Value):
    """A server's credential for one workspace, and for one app of it when `app_id` is set. Only a digest is kept."""

    id: str
    workspace_id: WorkspaceId
    digest: str
    created_at: Instant
    app_id: AppId | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    revoked_at: Instant | None = None
    version: int = 0

    @property
    def writer(self) -> str:
        """How it is remembered in what it wrote (`Fact.by`)."""
        return f"api-key:{self.id}"
