"""What is in the register already: found, and rewritten as it is edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hullo.errors import TooContended, UnknownApp
from hullo.model.app import App, IdentityKey, Workspace
from hullo.model.change_set import ChangeSet, changed
from hullo.model.moment import Moment
from hullo.pipeline.audit.ledger import Ledger
from hullo.pipeline.register.app_settings import Edit
from hullo.pipeline.retry import tries
from hullo.pipeline.secrets.vault import Vault
from hullo.store.protocol import Store

IDENTITY_KEY_PREFIX: Final = "hik"


class Registered:
    """What the parts of the register have in common. Racing writes are tried again."""

    def __init__(self, store: Store, ledger: Ledger, vault: Vault) -> None:
        self._store = store
        self._ledger = ledger
        self._vault = vault

    def _app(self, app_key: str) -> App:
        app = self._store.find_app(app_key)
        if app is None:
            raise UnknownApp
        return app

    def _find_workspace(self, wanted: str) -> Workspace | None:
        """By its id or name."""
        return next((each for each in self._store.list_workspaces() if wanted in {each.id, each.name}), None)

    def _rewritten(
        self, app_key: str, edit: Edit, action: str, data: Mapping[str, object], subject: str | None = None
    ) -> App:
        """The app as it is afterwards; where the edit changes nothing, nothing is written. `subject` None: the app."""
        moment = self._ledger.moment()
        for _ in tries():
            app = self._app(app_key)
            after = edit(app)
            if after == app:
                return app
            change = changed(app, after)
            changes = ChangeSet(apps=(change,))
            if self._ledger.written(changes, moment, app.workspace_id, action, subject or app.id, data):
                return change.after
        raise TooContended

    def _sealed(self, key: IdentityKey) -> IdentityKey:
        return replace(key, secret=self._vault.seal(key.app_id, key.id, key.secret))


def new_identity_key(app: App, moment: Moment) -> IdentityKey:
    """The same for the same moment."""
    return IdentityKey(
        id=moment.new_id("ik"),
        app_id=app.id,
        secret=moment.new_secret(IDENTITY_KEY_PREFIX),
        created_at=moment.now,
    )
