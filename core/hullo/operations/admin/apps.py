"""Creation and changes of apps and their workspaces, for administrators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from hullo.errors import TooContended
from hullo.model.app import App, VerificationMode, Workspace
from hullo.model.change_set import Change, ChangeSet, insertion
from hullo.model.request_context import RequestContext
from hullo.operations.admin.app_settings import (
    AppEdit,
    parse_app_name,
    parse_edit,
    parse_origins,
    parse_region,
    parse_verification_mode,
    privacy_settings,
)
from hullo.operations.admin.register_writer import RegisterWriter, new_identity_key
from hullo.secrets.salts import new_salt
from hullo.store.backoff import attempts
from hullo.value import Value

DEFAULT_WORKSPACE = "default"


class NewApp(Value, secrets=("identity_key",)):
    """New app with its first identity key (V1)."""

    app_id: str
    app_key: str
    workspace_id: str
    identity_key_id: str
    identity_key: str


class AppRegister(RegisterWriter):
    """Register operations on apps."""

    def create_app(
        self,
        name: str,
        *,
        origins: Iterable[str] = (),
        verification: VerificationMode | str = VerificationMode.OPTIONAL,
        workspace: str | None = None,
        region: str | None = None,
    ) -> NewApp:
        """Create an app with its first identity key, in the workspace with this id or name, which is created if
        missing.

        Raises `Invalid` for a wrong origin, name or region.
        """
        # Once for all attempts: a repeat makes the same ids and the same key.
        context = self._audit_log.new_context()
        # Before the loop: an iterable of the caller can be read only once.
        origins = parse_origins(origins)
        for _ in attempts():
            home, new = self._find_or_make_workspace(workspace, context)
            app = App(
                id=context.new_id("app"),
                workspace_id=home.id,
                name=parse_app_name(name),
                created_at=context.now,
                origins=origins,
                verification=parse_verification_mode(verification),
                region=parse_region(region),
            )
            key = new_identity_key(app, context)
            # The plain secret goes to the caller only; what is stored is sealed (V4).
            app = replace(app, identity_keys=(self._seal_key(key),))
            # Workspace and app in one transaction: no empty workspace stays behind after a crash (R3).
            changes = ChangeSet(workspaces=(new,) if new else (), apps=(insertion(app),))
            # On a conflict another process has created this workspace: the next attempt finds it and uses it.
            if self._audit_log.commit(changes, context, home.id, "app.created", app.id, {"identity_key_id": key.id}):
                return NewApp(
                    app_id=app.id,
                    app_key=app.app_key,
                    workspace_id=home.id,
                    identity_key_id=key.id,
                    # The only plain copy, where a master key seals the stored one.
                    identity_key=key.secret,
                )
        raise TooContended

    def change_app(self, app_key: str, fields: Mapping[str, str]) -> App:
        """Change `name`, `origins` (comma-separated), `verification`, `region`, `consent` (required or none), or the
        retention fields such as `keep_anonymous_days` (a number or none). All values are texts.

        Raises `UnknownApp`, and `Invalid` for another field or a wrong value.
        """
        edit = parse_edit(fields)
        # Field names, and values only where they affect personal data: an audit log is for ever.
        return self._update_app(
            app_key, edit, "app.changed", {"fields": sorted(fields), **_audited_settings(edit, fields)}
        )

    def _find_or_make_workspace(
        self, id_or_name: str | None, context: RequestContext
    ) -> tuple[Workspace, Change[Workspace] | None]:
        name = id_or_name if id_or_name is not None else DEFAULT_WORKSPACE
        known = self._find_workspace(name)
        if known is not None:
            return known, None
        id = context.new_id("ws")
        # From the start: a tombstone without a salt could be tested against a list of emails (P2).
        salt = new_salt(self._vault, id)
        workspace = Workspace(id=id, name=parse_app_name(name), created_at=context.now, salt=salt)
        return workspace, insertion(workspace)


def _audited_settings(edit: AppEdit, fields: Mapping[str, str]) -> dict[str, object]:
    """Return the new values of those fields that affect personal data."""
    # Applied to an empty app: only the fields of the edit are looked at.
    app = edit(App(id="", workspace_id="", name="", created_at=0))
    values = {"verification": app.verification.value, **privacy_settings(app)}
    return {name: value for name, value in values.items() if name in fields}
