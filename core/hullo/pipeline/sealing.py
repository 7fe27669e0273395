"""At start, what the newest master key does not seal is sealed with it (V4)."""

from __future__ import annotations

import logging

from hullo.errors import TooContended
from hullo.model.app import App
from hullo.model.change_set import ChangeSet, changed
from hullo.pipeline.retry import TRIES
from hullo.pipeline.vault import Vault
from hullo.store.protocol import Applied, Store

_log = logging.getLogger("hullo.keys")


def seal_stored(store: Store, vault: Vault) -> None:
    """Seals what is stored in plain, or under an older master key, anew under the first.

    May be run by several processes at once. Raises `SettingsError`, with nothing written, for a secret that no master
    key opens: also without any, where it only looks.
    """
    apps = store.list_apps()
    for app in apps:
        vault.opened(app)
    sealed = sum(_seal_app(store, vault, app) for app in apps) if vault.seals else 0
    if sealed:
        _log.info("sealed %d identity keys", sealed)


def _seal_app(store: Store, vault: Vault, app: App | None) -> int:
    for _ in range(TRIES):
        if app is None:
            return 0
        after = vault.sealed_anew(app)
        sealed = sum(old != new for old, new in zip(app.identity_keys, after.identity_keys, strict=True))
        if not sealed or isinstance(store.apply([ChangeSet(apps=(changed(app, after),))])[0], Applied):
            return sealed
        app = store.find_app(app.id)  # somebody else was first, and has probably sealed it
    raise TooContended
