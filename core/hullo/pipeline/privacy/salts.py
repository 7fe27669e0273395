"""Each workspace's secret that tombstones are salted with (P2): made with it, or at start for one from before."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

from hullo.errors import NotFound, TooContended
from hullo.model.app import Workspace
from hullo.model.change_set import ChangeSet, changed
from hullo.pipeline.retry import tries
from hullo.pipeline.secrets.vault import SecretOf, Vault
from hullo.store.protocol import Applied, AppReads, Store

SALT: Final = "salt"
"""The secret's own id, beside that of its workspace, where it is sealed."""
SALT_BYTES: Final = 32


def new_salt(vault: Vault, workspace_id: str) -> str:
    """A fresh one, as it is to be stored."""
    return vault.seal(workspace_id, SALT, secrets.token_hex(SALT_BYTES))


def with_salt(workspace: Workspace, secret_of: SecretOf) -> Workspace:
    """The workspace with what that makes of its salt."""
    return replace(workspace, salt=secret_of(workspace.id, SALT, workspace.salt))


def find_workspace(reads: AppReads, workspace_id: str) -> Workspace:
    """Raises `NotFound`."""
    found = next((each for each in reads.list_workspaces() if each.id == workspace_id), None)
    if found is None:
        raise NotFound("no such workspace")
    return found


def salt_stored(store: Store, vault: Vault) -> None:
    """Gives every workspace a salt that has none. May be run by several processes at once: there is one salt then."""
    for workspace in store.list_workspaces():
        salted(store, vault, workspace)


def salted(store: Store, vault: Vault, workspace: Workspace) -> Workspace:
    """The workspace with its salt, which it is given where it has none. Raises `TooContended`."""
    for _ in tries():
        if workspace.salt:
            return workspace
        change = changed(workspace, replace(workspace, salt=new_salt(vault, workspace.id)))
        if isinstance(store.apply([ChangeSet(workspaces=(change,))])[0], Applied):
            return change.after
        workspace = find_workspace(store, workspace.id)
    raise TooContended
