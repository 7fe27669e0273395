"""See `AppReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.app import ApiKey, App, IdentityKey, Workspace
from hullo.model.change_set import CallCount
from hullo.model.instant import Instant
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.visitor import Session, SessionDigest
from hullo_stores.peewee.compiler import Compiler, parameter, select_all
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.reads.queries import Queries
from hullo_stores.peewee.rows.apps import (
    api_key_of,
    app_of,
    call_count_of,
    identity_key_of,
    refused_origin_of,
    workspace_of,
)
from hullo_stores.peewee.rows.contacts import session_of
from hullo_stores.peewee.tables import ApiKeys, Apps, CallCounts, IdentityKeys, RefusedOrigins, Sessions, Workspaces


class AppStatements:
    """Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.all_workspaces = compiler.compile(select_all(Workspaces).order_by(Workspaces.id.desc()))
        self.all_apps = compiler.compile(select_all(Apps).order_by(Apps.id.desc()))
        self.all_identity_keys = compiler.compile(
            select_all(IdentityKeys).order_by(IdentityKeys.created_at, IdentityKeys.id)
        )
        self.all_api_keys = compiler.compile(select_all(ApiKeys).order_by(ApiKeys.id.desc()))
        self.app = compiler.compile(select_all(Apps).where(Apps.id == parameter("id")), "id")
        self.identity_keys = compiler.compile(
            select_all(IdentityKeys)
            .where(IdentityKeys.app_id == parameter("app"))
            .order_by(IdentityKeys.created_at, IdentityKeys.id),
            "app",
        )
        self.session = compiler.compile(select_all(Sessions).where(Sessions.digest == parameter("digest")), "digest")
        self.api_key = compiler.compile(select_all(ApiKeys).where(ApiKeys.digest == parameter("digest")), "digest")
        self.refused_origins = compiler.compile(
            select_all(RefusedOrigins)
            .where(RefusedOrigins.expires_at > parameter("now"))
            .order_by(RefusedOrigins.expires_at, RefusedOrigins.digest),
            "now",
        )
        self.call_counts = compiler.compile(
            select_all(CallCounts)
            .where(CallCounts.app_id == parameter("app"), CallCounts.day >= parameter("since"))
            .order_by(CallCounts.day),
            "app",
            "since",
        )


class AppQueries(Queries):
    """Reads of workspaces, apps, keys and sessions."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._app_statements = self._compiler.cached(AppStatements)

    def find_app(self, app_id: str) -> App | None:
        """Return the app with all its keys, retired ones too. None if there is no such app."""
        with self._engine.read_transaction() as connection:
            rows = connection.rows(self._app_statements.app, (app_id,))
            keys = connection.rows(self._app_statements.identity_keys, (app_id,))
        return app_of(rows[0], map(identity_key_of, keys)) if rows else None

    def list_apps(self) -> Sequence[App]:
        """Return every app, newest first."""
        with self._engine.read_transaction() as connection:
            rows = connection.rows(self._app_statements.all_apps)
            key_rows = connection.rows(self._app_statements.all_identity_keys)
        keys: dict[str, list[IdentityKey]] = {}
        for key in map(identity_key_of, key_rows):
            keys.setdefault(key.app_id, []).append(key)
        return tuple(app_of(row, keys.get(row[0], ())) for row in rows)

    def list_workspaces(self) -> Sequence[Workspace]:
        """Return every workspace, newest first."""
        return tuple(map(workspace_of, self._rows(self._app_statements.all_workspaces)))

    def find_api_key(self, digest: str) -> ApiKey | None:
        """Return the API key whose secret has this digest, a revoked one too. None if there is none."""
        rows = self._rows(self._app_statements.api_key, digest)
        return api_key_of(rows[0]) if rows else None

    def list_api_keys(self) -> Sequence[ApiKey]:
        """Return every API key, newest first."""
        return tuple(map(api_key_of, self._rows(self._app_statements.all_api_keys)))

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Return the session with this digest, a revoked or expired one too. None if there is none."""
        rows = self._rows(self._app_statements.session, digest)
        return session_of(rows[0]) if rows else None

    def list_refused_origins(self, now: Instant) -> Sequence[RefusedOrigin]:
        """Return the counts that have not expired, by hour and digest."""
        return tuple(map(refused_origin_of, self._rows(self._app_statements.refused_origins, now)))

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """Return the app's counts from the day `since` on, oldest first."""
        return tuple(map(call_count_of, self._rows(self._app_statements.call_counts, app_id, since)))
