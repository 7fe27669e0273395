"""Apps and salts that this process keeps in memory, so that a request need not read them from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from hullo.errors import HulloError, UnknownApp
from hullo.model.app import App
from hullo.model.change_set import KeyUse
from hullo.secrets.salts import SALT_SECRET_ID, ensure_salt, require_workspace
from hullo.secrets.vault import Vault
from hullo.store.protocol import Store

T = TypeVar("T")

MAX_CACHED_APPS: Final = 4096


class AppCache:
    """Keeps apps in memory without being stale where it matters.

    A success is checked against the app's version in the snapshot that it was decided on, and a refusal is only given
    after reading the app again: a key that was added a moment ago works, one that was retired does not (V4). Secrets of
    identity keys are plain here, opened once for each read of an app. So are the salts of workspaces, which are kept
    for good: they never change.
    """

    # No lock on the two dicts, though several threads use them: each step is one atomic dict operation, and the worst
    # that a race does is to read an app twice.

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._apps: dict[str, App] = {}
        self._salts: dict[str, str] = {}

    def find(self, app_key: str | None) -> App:
        """Return the app with this key, perhaps as it was a moment ago. Raises `UnknownApp`."""
        app = self.cached(app_key)
        return app if app is not None else self.reload(app_key)

    def cached(self, app_key: str | None) -> App | None:
        """Return the app with this key from memory only. None when it is not there."""
        return self._apps.get(app_key) if app_key is not None else None

    def reload(self, app_key: str | None) -> App:
        """Read the app from the store. Raises `UnknownApp`, and `SettingsError` when no master key opens its keys."""
        app = self._store.find_app(app_key) if app_key is not None else None
        if app is None:
            self.evict(app_key)
            raise UnknownApp
        app = self._vault.open_app(app)
        # Cleared and not evicted one by one: no hit pays for keeping an order, and few sites have so many apps.
        if len(self._apps) >= MAX_CACHED_APPS:
            self._apps.clear()
        self._apps[app.id] = app
        return app

    def list_by_workspace(self, workspace_id: str) -> Sequence[App]:
        """Read the workspace's apps from the store, oldest first. Their keys stay sealed."""
        return [app for app in reversed(self._store.list_apps()) if app.workspace_id == workspace_id]

    def evict(self, app_key: str | None) -> None:
        """Remove the app from memory, so that the next call reads it from the store."""
        if app_key is not None:
            self._apps.pop(app_key, None)

    def workspace_salt(self, workspace_id: str) -> str:
        """Return the salt of the workspace's tombstones (P2). Raises `NotFound`, and `SettingsError` when no master key
        opens it."""
        salt = self._salts.get(workspace_id)
        if salt is None:
            # Race: a process of an older version may make a workspace without a salt while this one runs.
            workspace = ensure_salt(self._store, self._vault, require_workspace(self._store, workspace_id))
            salt = self._salts[workspace_id] = self._vault.open(workspace_id, SALT_SECRET_ID, workspace.salt)
        return salt

    def record_key_use(self, use: KeyUse) -> None:
        """Keep the time of a key's use, so that the next call does not write it again."""
        # Race: an app that is read anew meanwhile may lose this, and the use is written once more. Or the older app
        # stays, which the version in the next snapshot shows.
        app = self._apps.get(use.app_id)
        if app is not None:
            keys = (replace(key, last_used_at=use.at) if key.id == use.key_id else key for key in app.identity_keys)
            self._apps[use.app_id] = replace(app, identity_keys=tuple(keys))

    def with_fresh_retry(self, app_key: str | None, prepare: Callable[[App], T]) -> T:
        """Call `prepare` with the app; where it refuses, call it once more with the app as the store has it now."""
        app = self.find(app_key)
        try:
            return prepare(app)
        except HulloError:
            # The refusal may come from an outdated app, such as one without its newest key (V4).
            reloaded = self.reload(app_key)
            if reloaded.version == app.version:
                raise
            return prepare(reloaded)
