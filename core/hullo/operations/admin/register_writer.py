"""Shared base of the register: lookups, and updates with retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from hullo.errors import TooContended, UnknownApp
from hullo.model.app import App, IdentityKey, Workspace
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.request_context import RequestContext
from hullo.operations.admin.app_settings import AppEdit
from hullo.operations.admin.audit_log import AuditLog
from hullo.secrets.vault import Vault
from hullo.store.backoff import attempts
from hullo.store.protocol import Store

IDENTITY_KEY_PREFIX: Final = "hik"


class RegisterWriter:
    """Base of the register classes. Retries writes that conflict."""

    def __init__(self, store: Store, audit_log: AuditLog, vault: Vault) -> None:
        self._store = store
        self._audit_log = audit_log
        self._vault = vault

    def _require_app(self, app_key: str) -> App:
        app = self._store.find_app(app_key)
        if app is None:
            # An error, not None: each caller would have to check it, and one would forget.
            raise UnknownApp
        return app

    def _find_workspace(self, id_or_name: str) -> Workspace | None:
        """Find a workspace by its id or name."""
        return next(
            # Ids have a prefix, so a name rarely looks like one.
            (workspace for workspace in self._store.list_workspaces() if id_or_name in {workspace.id, workspace.name}),
            None,
        )

    def _update_app(
        self, app_key: str, edit: AppEdit, action: str, data: Mapping[str, object], subject: str | None = None
    ) -> App:
        """Apply an edit to the app and return it; an edit without effect writes nothing. `subject` None: the app."""
        context = self._audit_log.new_context()
        for _ in attempts():
            # Read in each attempt: the edit must see what the other writer has changed.
            app = self._require_app(app_key)
            after = edit(app)
            if after == app:  # no change, so no audit entry and no new version
                return app
            change = replacement(app, after)
            changes = ChangeSet(apps=(change,))
            if self._audit_log.commit(changes, context, app.workspace_id, action, subject or app.id, data):
                return change.after
        raise TooContended

    def _seal_key(self, key: IdentityKey) -> IdentityKey:
        # Bound to the ids of app and key: copied to another row it does not open.
        return replace(key, secret=self._vault.seal(key.app_id, key.id, key.secret))


def new_identity_key(app: App, context: RequestContext) -> IdentityKey:
    """Make a key from the context: the same context gives the same key."""
    return IdentityKey(
        id=context.new_id("ik"),
        app_id=app.id,
        secret=context.new_secret(IDENTITY_KEY_PREFIX),
        created_at=context.now,
    )
