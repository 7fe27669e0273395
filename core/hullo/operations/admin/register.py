"""The register: apps, workspaces and keys, as administrators see them."""

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
    """Creates and changes apps and keys, each in its own transaction with an audit entry.

    Returned apps and identity keys are as stored: sealed if there is a master key. Only a newly made secret is
    plain.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault, by: str = HOST) -> None:
        super().__init__(store, AuditLog(store, clock, by), vault)
