"""Resealing at start: secrets that the first master key does not seal are sealed with it (V4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from hullo.errors import TooContended
from hullo.model.app import App, Workspace
from hullo.model.change_set import Change, ChangeSet, Versioned, replacement
from hullo.model.webhook import Webhook
from hullo.secrets.salts import map_salt, require_workspace
from hullo.secrets.vault import SecretTransform, Vault, map_identity_key_secrets
from hullo.secrets.webhook_secrets import map_webhook_secrets
from hullo.store.backoff import MAX_ATTEMPTS
from hullo.store.protocol import Applied, Store
from hullo.value import Value

_log = logging.getLogger("hullo.keys")

T = TypeVar("T", bound=Versioned)


class _SecretRecord(Value, Generic[T]):
    """Kind of record that holds secrets."""

    secrets: str
    """Their name in the log."""
    listed: Callable[[Store], Sequence[T]]
    found: Callable[[Store, T], T | None]
    """Reads the current version of a record."""
    with_secrets: Callable[[T, SecretTransform], T]
    written: Callable[[Change[T]], ChangeSet]


_APPS: _SecretRecord[App] = _SecretRecord(
    secrets="identity keys",
    listed=lambda store: store.list_apps(),
    found=lambda store, app: store.find_app(app.id),
    with_secrets=map_identity_key_secrets,
    written=lambda change: ChangeSet(apps=(change,)),
)
_WORKSPACES: _SecretRecord[Workspace] = _SecretRecord(
    secrets="salts",
    listed=lambda store: store.list_workspaces(),
    found=lambda store, workspace: require_workspace(store, workspace.id),
    with_secrets=map_salt,
    written=lambda change: ChangeSet(workspaces=(change,)),
)
_WEBHOOKS: _SecretRecord[Webhook] = _SecretRecord(
    secrets="webhook secrets",
    listed=lambda store: store.list_webhooks(None),
    found=lambda store, webhook: store.find_webhook(webhook.id),
    with_secrets=map_webhook_secrets,
    written=lambda change: ChangeSet(webhooks=(change,)),
)
# A new kind of secret must be added here, or it stays sealed under a master key that is to be retired.
_SECRET_RECORDS: tuple[_SecretRecord[Any], ...] = (_APPS, _WORKSPACES, _WEBHOOKS)


def reseal_stored(store: Store, vault: Vault) -> None:
    """Seal all stored secrets that are plain, or under an older master key, with the first one.

    Several processes may run it at once. Raises `SettingsError`, before any write, for a secret that no master key
    opens; without a master key it only checks that.
    """
    # All are opened before any is written: with a wrong master key nothing must change.
    stored = [(kind, kind.listed(store)) for kind in _SECRET_RECORDS]
    # Everything is opened before anything is written: a missing key must not leave half of it resealed.
    for kind, records in stored:
        for record in records:
            kind.with_secrets(record, vault.open)
    # Without a master key nothing can be sealed, and nothing sealed was found.
    if not vault.has_master_key:
        return
    for kind, records in stored:
        sealed = sum(_reseal_record(kind, store, vault, record) for record in records)
        if sealed:
            # A number and a kind only: secrets must not reach logs (P4).
            _log.info("sealed %d %s", sealed, kind.secrets)


def _reseal_record(kind: _SecretRecord[T], store: Store, vault: Vault, record: T | None) -> int:
    """Reseal one record; return how many of its secrets changed. Raises `TooContended`."""
    for _ in range(MAX_ATTEMPTS):
        # It was removed between two attempts, so there is nothing left to seal.
        if record is None:
            return 0
        # Counted anew in each attempt, or a conflict would count secrets twice.
        sealed = 0

        def seal_anew(owner_id: str, secret_id: str, text: str) -> str:
            nonlocal sealed
            anew = vault.reseal(owner_id, secret_id, text)
            # A secret under the newest key stays byte for byte: nothing is written at an ordinary start (W9).
            sealed += anew != text
            return anew

        after = kind.with_secrets(record, seal_anew)
        if not sealed or isinstance(store.apply([kind.written(replacement(record, after))])[0], Applied):
            return sealed
        record = kind.found(store, record)  # another process was first, and has probably sealed it
    raise TooContended
