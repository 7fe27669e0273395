"""See `AppReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.app import ApiKey, App, IdentityKey, Workspace
from hullo.model.change_set import CallCount
from hullo.model.instant import Instant
from hullo.model.visitor import Session, SessionDigest
from hullo_stores.peewee.compiler import Compiler, all_of, given
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.reads.asking import Asking
from hullo_stores.peewee.rows import (
    api_key_of,
    app_of,
    call_count_of,
    identity_key_of,
    session_of,
    workspace_of,
)
from hullo_stores.peewee.tables import ApiKeys, Apps, CallCounts, IdentityKeys, Sessions, Workspaces


class AppStatements:
    """Of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.all_workspaces = compiler.text(all_of(Workspaces).order_by(Workspaces.id.desc()))
        self.all_apps = compiler.text(all_of(Apps).order_by(Apps.id.desc()))
        self.all_identity_keys = compiler.text(all_of(IdentityKeys).order_by(IdentityKeys.created_at, IdentityKeys.id))
        self.all_api_keys = compiler.text(all_of(ApiKeys).order_by(ApiKeys.id.desc()))
        self.app = compiler.text(all_of(Apps).where(Apps.id == given("id")), "id")
        self.identity_keys = compiler.text(
            all_of(IdentityKeys)
            .where(IdentityKeys.app_id == given("app"))
            .order_by(IdentityKeys.created_at, IdentityKeys.id),
            "app",
        )
        self.session = compiler.text(all_of(Sessions).where(Sessions.digest == given("digest")), "digest")
        self.api_key = compiler.text(all_of(ApiKeys).where(ApiKeys.digest == given("digest")), "digest")
        self.call_counts = compiler.text(
            all_of(CallCounts)
            .where(CallCounts.app_id == given("app"), CallCounts.day >= given("since"))
            .order_by(CallCounts.day),
            "app",
            "since",
        )


class AskedApps(Asking):
    """Who may call."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._of_apps = self._compiler.once(AppStatements)

    def find_app(self, app_id: str) -> App | None:
        """With all its keys, retired ones too."""
        with self._engine.reading() as connection:
            rows = connection.rows(self._of_apps.app, (app_id,))
            keys = connection.rows(self._of_apps.identity_keys, (app_id,))
        return app_of(rows[0], map(identity_key_of, keys)) if rows else None

    def list_apps(self) -> Sequence[App]:
        """The newest first."""
        with self._engine.reading() as connection:
            rows = connection.rows(self._of_apps.all_apps)
            key_rows = connection.rows(self._of_apps.all_identity_keys)
        keys: dict[str, list[IdentityKey]] = {}
        for key in map(identity_key_of, key_rows):
            keys.setdefault(key.app_id, []).append(key)
        return tuple(app_of(row, keys.get(row[0], ())) for row in rows)

    def list_workspaces(self) -> Sequence[Workspace]:
        """The newest first."""
        return tuple(map(workspace_of, self._rows(self._of_apps.all_workspaces)))

    def find_api_key(self, digest: str) -> ApiKey | None:
        """By the digest of its secret; revoked ones too."""
        rows = self._rows(self._of_apps.api_key, digest)
        return api_key_of(rows[0]) if rows else None

    def list_api_keys(self) -> Sequence[ApiKey]:
        """The newest first."""
        return tuple(map(api_key_of, self._rows(self._of_apps.all_api_keys)))

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Revoked and expired ones too."""
        rows = self._rows(self._of_apps.session, digest)
        return session_of(rows[0]) if rows else None

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """The oldest first."""
        return tuple(map(call_count_of, self._rows(self._of_apps.call_counts, app_id, since)))
