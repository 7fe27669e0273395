"""Apps, workspaces and keys: made, changed, rotated and retired by whoever runs hullo."""

from __future__ import annotations

from hullo.model.request_context import Clock
from hullo.operations.admin.apps import DEFAULT_WORKSPACE, AppRegister, NewApp
from hullo.operations.admin.audit_log import HOST, AuditLog
from hullo.operations.admin.keys import API_KEY_PREFIX, KeyRegister, NewApiKey
from hullo.operations.admin.register_writer import IDENTITY_KEY_PREFIX
from hullo.secrets.vault import Vault
from hullo.store.protocol import Store

__all__ = [
    "API_KEY_PREFIX",
    "DEFAULT_WORKSPACE",
    "IDENTITY_KEY_PREFIX",
    "NewApiKey",
    "NewApp",
    "Register",
]


class Register(AppRegister, KeyRegister):
    """Writes are rare and made by people, so each is a transaction of its own, with its line in the audit log.

    The apps and identity keys that it gives are as they are stored, sealed where there is a master key; only a secret
    that was made just now is plain.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, by: str = HOST) -> None:
        super().__init__(store, AuditLog(store, clock, by), vault)
