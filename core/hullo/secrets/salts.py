"""The secret salt of each workspace's tombstones (P2): created with the workspace, or at start for older ones."""

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
"""Secret id for sealing, beside the id of the workspace."""
# As many bits as SHA-256 has: emails can be guessed, so the salt alone keeps tombstones secret.
SALT_BYTES: Final = 32


def new_salt(vault: Vault, workspace_id: str) -> str:
    """Make a fresh salt in its stored form."""
    return vault.seal(workspace_id, SALT_SECRET_ID, secrets.token_hex(SALT_BYTES))


def map_salt(workspace: Workspace, transform: SecretTransform) -> Workspace:
    """Apply a transform to the salt of the workspace."""
    return replace(workspace, salt=transform(workspace.id, SALT_SECRET_ID, workspace.salt))


def require_workspace(reads: AppReads, workspace_id: str) -> Workspace:
    """Find a workspace. Raises `NotFound`."""
    # A scan and no query of its own: an installation has few workspaces.
    found = next((workspace for workspace in reads.list_workspaces() if workspace.id == workspace_id), None)
    if found is None:
        raise NotFound("no such workspace")
    return found


def add_missing_salts(store: Store, vault: Vault) -> None:
    """Add a salt to every workspace without one. Several processes may run it at once: each workspace gets one salt."""
    for workspace in store.list_workspaces():
        ensure_salt(store, vault, workspace)


def ensure_salt(store: Store, vault: Vault, workspace: Workspace) -> Workspace:
    """Return the workspace with a salt, added if missing. Raises `TooContended`."""
    for _ in attempts():
        # Never replaced: another salt would make every older tombstone unrecognisable (P2).
        if workspace.salt:
            return workspace
        change = replacement(workspace, replace(workspace, salt=new_salt(vault, workspace.id)))
        if isinstance(store.apply([ChangeSet(workspaces=(change,))])[0], Applied):
            return change.after
        # Another process added a salt: keep it, since tombstones may use it already.
        workspace = require_workspace(store, workspace.id)
    raise TooContended
