"""The apps and salts that this process remembers, so that a request need not ask the store who is calling it."""

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
    """Remembers apps without ever being stale where it matters.

    A success is checked against the app's version in the snapshot that it was decided on, and a refusal is only
    given after asking the store again: a key that was added a moment ago works, one that was retired does not.
    The secrets of identity keys are plain here, and opened once each time that an app is read. So are the salts of
    workspaces, which never change.
    """

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._apps: dict[str, App] = {}
        self._salts: dict[str, str] = {}

    def find(self, app_key: str | None) -> App:
        """The app with this key, perhaps as it was a moment ago. Raises `UnknownApp`."""
        app = self.cached(app_key)
        return app if app is not None else self.reload(app_key)

    def cached(self, app_key: str | None) -> App | None:
        """The app with this key, if this process knows it; asks nobody."""
        return self._apps.get(app_key) if app_key is not None else None

    def reload(self, app_key: str | None) -> App:
        """The app as the store has it. Raises `UnknownApp`, and `SettingsError` when no master key opens its keys."""
        app = self._store.find_app(app_key) if app_key is not None else None
        if app is None:
            self.evict(app_key)
            raise UnknownApp
        app = self._vault.open_app(app)
        if len(self._apps) >= MAX_CACHED_APPS:
            self._apps.clear()
        self._apps[app.id] = app
        return app

    def list_by_workspace(self, workspace_id: str) -> Sequence[App]:
        """Its apps as the store has them, in the order in which they were made. Their keys stay sealed."""
        return [app for app in reversed(self._store.list_apps()) if app.workspace_id == workspace_id]

    def evict(self, app_key: str | None) -> None:
        """Asks the store the next time."""
        if app_key is not None:
            self._apps.pop(app_key, None)

    def workspace_salt(self, workspace_id: str) -> str:
        """What the workspace's tombstones are salted with (P2). Raises `NotFound`, and `SettingsError` when no master
        key opens it."""
        salt = self._salts.get(workspace_id)
        if salt is None:
            # One without a salt was made meanwhile, by a process of an older version.
            workspace = ensure_salt(self._store, self._vault, require_workspace(self._store, workspace_id))
            salt = self._salts[workspace_id] = self._vault.open(workspace_id, SALT_SECRET_ID, workspace.salt)
        return salt

    def record_key_use(self, use: KeyUse) -> None:
        """Remembers that a key's use was written, so that it is not written again at once."""
        app = self._apps.get(use.app_id)
        if app is not None:
            keys = (replace(key, last_used_at=use.at) if key.id == use.key_id else key for key in app.identity_keys)
            self._apps[use.app_id] = replace(app, identity_keys=tuple(keys))

    def with_fresh_retry(self, app_key: str | None, prepare: Callable[[App], T]) -> T:
        """What `judge` says of the app; when it refuses, it is asked once more about the app as it is now."""
        app = self.find(app_key)
        try:
            return prepare(app)
        except HulloError:
            now = self.reload(app_key)
            if now.version == app.version:
                raise
            return prepare(now)
