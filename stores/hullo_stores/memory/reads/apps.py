"""See `AppReads`."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.app import ApiKey, App, Workspace
from hullo.model.change_set import CallCount
from hullo.model.instant import Instant
from hullo.model.visitor import Session, SessionDigest
from hullo_stores.memory.reads.queries import MemoryQueries, newest_first


class MemoryAppQueries(MemoryQueries):
    """Who may call."""

    def find_app(self, app_id: str) -> App | None:
        """None when there is no such app."""
        with self._locked() as tables:
            return tables.apps.get(app_id)

    def list_apps(self) -> Sequence[App]:
        """The newest first."""
        with self._locked() as tables:
            return newest_first(tables.apps.values())

    def list_workspaces(self) -> Sequence[Workspace]:
        """The newest first."""
        with self._locked() as tables:
            return newest_first(tables.workspaces.values())

    def find_api_key(self, digest: str) -> ApiKey | None:
        """By the digest of its secret; revoked ones too."""
        with self._locked() as tables:
            return tables.api_keys.get(tables.api_key_digests.get(digest, ""))

    def list_api_keys(self) -> Sequence[ApiKey]:
        """The newest first."""
        with self._locked() as tables:
            return newest_first(tables.api_keys.values())

    def find_session(self, digest: SessionDigest) -> Session | None:
        """Revoked and expired ones too."""
        with self._locked() as tables:
            return tables.sessions.get(digest)

    def list_call_counts(self, app_id: str, since: Instant) -> Sequence[CallCount]:
        """The oldest first."""
        with self._locked() as tables:
            counts = (held for held in tables.call_counts.values() if held.app_id == app_id and held.day >= since)
            return tuple(sorted(counts, key=lambda held: held.day))
