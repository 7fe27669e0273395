"""See `AppReads`."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.change_set import CallCount
from hullo.model.instant import Instant
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.visitor import Session, SessionDigest
from hullo_stores.memory.reads.queries import MemoryQueries, newest_first


class MemoryAppQueries(MemoryQueries):
    """Reads of workspaces, apps, keys and sessions."""

    def find_app(self, app_id: str) -> App | None:
        """Return the app with all its keys, retired ones too. None if there is no such app."""
        with self._locked() as tables:
            return tables.apps.get(app_id)

    def list_apps(self) -> Sequence[App]:
        """Return every app, newest first."""
        with self._locked() as tables:
            return newest_first(tables.apps.values())

    def list_workspaces(self) -> Sequence[Workspace]:
        """Return every workspace, newest first."""
        with self._locked() as tables:
            return newest_first(tables.workspaces.values())

    def find_api_key(self, digest: str) -> ApiKey | None:
        """Return the API key whose secret has this digest, a revoked one too. None if there is none."""
        with self._locked() as tables:
            return tables.api_keys.get(tables.api_key_digests.get(digest, ""))

    def list_api_keys(self) -> Sequence[ApiKey]:
        """Return every API key, newest first."""
        with self._locked() as tables:
            return newest_first(tables.api_keys.values())

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Return the session with this digest, a revoked or expired one too. None if there is none."""
        with self._locked() as tables:
            return tables.sessions.get(digest)

    def list_refused_origins(self, now: Instant) -> Sequence[RefusedOrigin]:
        """Return the counts that have not expired, by hour and digest."""
        with self._locked() as tables:
            counts = (held for held in tables.refused_origins.values() if held.expires_at > now)
            return tuple(sorted(counts, key=lambda held: (held.hour, held.digest)))

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """Return the app's counts from the day `since` on, oldest first."""
        with self._locked() as tables:
            counts = (held for held in tables.call_counts.values() if held.app_id == app_id and held.day >= since)
            return tuple(sorted(counts, key=lambda held: held.day))
