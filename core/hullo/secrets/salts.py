"""Each workspace's secret that tombstones are salted with (P2): made with it, or at start for one from before."""

from __future__ import annotations

import secrets
from typing import Final

from msgspec.structs import replace

from hullo.errors import NotFound, TooContended
from hullo.model.app import Workspace
from hullo.model.change_set import ChangeSet, replacement
from hullo.secrets.vault import SecretTransform, Vault
from hullo.store.backoff import attempts
from hullo.store.protocol import Applied, AppReads, Store

SALT_SECRET_ID: Final = "salt"
"""The secret's own id, beside that of its workspace, where it is sealed."""
SALT_BYTES: Final = 32


def new_salt(vault: Vault, workspace_id: str) -> str:
    """A fresh one, as it is to be stored."""
    return vault.seal(workspace_id, SALT_SECRET_ID, secrets.token_hex(SALT_BYTES))


def map_salt(workspace: Workspace, transform: SecretTransform) -> Workspace:
    """The workspace with what that makes of its salt."""
    return replace(workspace, salt=transform(workspace.id, SALT_SECRET_ID, workspace.salt))


def require_workspace(reads: AppReads, workspace_id: str) -> Workspace:
    """Raises `NotFound`."""
    found = next((each for each in reads.list_workspaces() if each.id == workspace_id), None)
    if found is None:
        raise NotFound("no such workspace")
    return found


def add_missing_salts(store: Store, vault: Vault) -> None:
    """Gives every workspace a salt that has none. May be run by several processes at once: there is one salt then."""
    for workspace in store.list_workspaces():
        ensure_salt(store, vault, workspace)


def ensure_salt(store: Store, vault: Vault, workspace: Workspace) -> Workspace:
    """The workspace with its salt, which it is given where it has none. Raises `TooContended`."""
    for _ in attempts():
        if workspace.salt:
            return workspace
        change = replacement(workspace, replace(workspace, salt=new_salt(vault, workspace.id)))
        if isinstance(store.apply([ChangeSet(workspaces=(change,))])[0], Applied):
            return change.after
        workspace = require_workspace(store, workspace.id)
    raise TooContended
