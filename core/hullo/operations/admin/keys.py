"""Creation, rotation, retirement and revocation of identity keys and API keys, for administrators."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from hullo.errors import Conflicting, Invalid, NotFound, TooContended
from hullo.model.app import ALL_SCOPES, ApiKey, App, IdentityKey, Scope, Workspace
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.instant import Instant
from hullo.model.public_key import PublicKey, read_public_key
from hullo.model.request_context import RequestContext, secret_digest
from hullo.operations.admin.register_writer import RegisterWriter, new_identity_key
from hullo.store.backoff import attempts
from hullo.value import Value

API_KEY_PREFIX: Final = "hsk"
MAX_ACTIVE_KEYS: Final = 50
"""Active identity keys per app: every identify call may try them all."""


class NewApiKey(Value, secrets=("secret",)):
    """API key with its secret, which is shown only once."""

    key: ApiKey
    secret: str


class KeyRegister(RegisterWriter):
    """Register operations on keys."""

    def add_identity_key(self, app_key: str) -> IdentityKey:
        """Add a secret that signs from now on; the other keys still verify (V4). Only the result holds the secret.

        Raises `UnknownApp`, and `Invalid` when the app has too many.
        """
        context = self._audit_log.new_context()
        # Made before the attempts: a retry stores the same key that the caller gets.
        key = new_identity_key(self._require_app(app_key), context)
        self._append_identity_key(app_key, self._seal_key(key), context)
        return key

    def add_public_key(self, app_key: str, text: str) -> IdentityKey:
        """Add a key whose private half the site keeps: it verifies tokens (V5). `text` is PEM or a JWK.

        Raises `UnknownApp`, `Invalid` for text that is no such key, or when the app has too many, `Conflicting` when it
        has this key, and `SettingsError` without `cryptography`.
        """
        # Read first: a wrong text is refused before anything is looked up.
        public, context = read_public_key(text), self._audit_log.new_context()
        app_id = self._require_app(app_key).id
        key = IdentityKey(
            id=context.new_id("ik"), app_id=app_id, secret="", created_at=context.now, public_key=public.jwk
        )
        self._append_identity_key(app_key, key, context, public)
        return key

    def retire_identity_key(self, app_key: str, key_id: str, at: Instant | None = None) -> IdentityKey:
        """Stop verifying with the key at that time, or now. A repeat moves the time.

        Raises `UnknownApp`, and `NotFound` when the app has no such key.
        """
        # Fixed before the attempts: a retry must not move the time.
        when = at if at is not None else self._audit_log.new_context().now

        def retire(app: App) -> App:
            if all(key.id != key_id for key in app.identity_keys):
                raise NotFound(f"the app has no identity key {key_id}; 'hullo identity-key list' shows them")
            # Retired keys stay in the list: facts name the key that signed them.
            keys = (replace(key, retires_at=when) if key.id == key_id else key for key in app.identity_keys)
            return replace(app, identity_keys=tuple(keys))

        data = {"app_id": app_key, "retires_at": when}
        app = self._update_app(app_key, retire, "identity_key.retired", data, key_id)
        return next(key for key in app.identity_keys if key.id == key_id)

    def create_api_key(
        self,
        *,
        workspace: str | None = None,
        app_key: str | None = None,
        scopes: Iterable[Scope | str] = ALL_SCOPES,
    ) -> NewApiKey:
        """Create a key for a workspace, by id or name, or for one app of it. Without either: for the only workspace.

        Raises `UnknownApp`, `NotFound`, and `Invalid` when several workspaces, or none, could be meant.
        """
        context = self._audit_log.new_context()
        app = self._require_app(app_key) if app_key is not None else None
        # A key of one app is still stored in a workspace: that is what bounds every query.
        workspace_id = app.workspace_id if app is not None else self._require_workspace(workspace).id
        secret = context.new_secret(API_KEY_PREFIX)
        key = ApiKey(
            id=context.new_id("key"),
            workspace_id=workspace_id,
            app_id=app.id if app is not None else None,
            # No plain key is stored: hullo compares digests, so it never needs the secret again.
            digest=secret_digest(secret),
            scopes=frozenset(_parse_scope(scope) for scope in scopes),
            created_at=context.now,
        )
        # In the order of the enumeration, so that equal keys have equal entries.
        data = {"app_id": key.app_id, "scopes": [scope.value for scope in Scope if scope in key.scopes]}
        for _ in attempts():
            changes = ChangeSet(api_keys=(insertion(key),))
            if self._audit_log.commit(changes, context, workspace_id, "api_key.created", key.id, data):
                return NewApiKey(key=key, secret=secret)
        raise TooContended

    def revoke_api_key(self, key_id: str) -> ApiKey:
        """Revoke the key at once. A repeat changes nothing. Raises `NotFound`."""
        context = self._audit_log.new_context()
        for _ in attempts():
            key = next((key for key in self._store.list_api_keys() if key.id == key_id), None)
            if key is None:
                raise NotFound(f"no API key {key_id}; 'hullo api-key list' shows them")
            if key.revoked_at is not None:  # the first revocation keeps its time
                return key
            change = replacement(key, replace(key, revoked_at=context.now))
            changes = ChangeSet(api_keys=(change,))
            if self._audit_log.commit(changes, context, key.workspace_id, "api_key.revoked", key.id):
                return change.after
        raise TooContended

    def _append_identity_key(
        self, app_key: str, key: IdentityKey, context: RequestContext, public: PublicKey | None = None
    ) -> None:
        def add_key(app: App) -> App:
            # Inside of the edit, so that both checks see the app as it is when the change is written.
            if public is not None:
                _require_new_key(app, public)
            # Only active keys count: a site that rotates for years must not run into the limit.
            if sum(identity_key.is_active(context.now) for identity_key in app.identity_keys) >= MAX_ACTIVE_KEYS:
                raise Invalid(f"the app has {MAX_ACTIVE_KEYS} active identity keys; retire one first")
            return replace(app, identity_keys=(*app.identity_keys, key))

        data = {"app_id": key.app_id, "public": public is not None}
        self._update_app(app_key, add_key, "identity_key.added", data, key.id)

    def _require_workspace(self, id_or_name: str | None) -> Workspace:
        if id_or_name is not None:
            known = self._find_workspace(id_or_name)
            if known is None:
                raise NotFound(f"no workspace is called {id_or_name!r}; an app makes its own when it is created")
            return known
        workspaces = self._store.list_workspaces()
        # No guess: a key of the wrong workspace would open other people's data.
        if len(workspaces) != 1:
            raise Invalid("say which workspace" if workspaces else "there is no workspace yet: create an app first")
        return workspaces[0]


def _require_new_key(app: App, public: PublicKey) -> None:
    for key in app.identity_keys:
        # By the material: one key under two names would survive the retirement of one of them.
        if key.public_key is not None and PublicKey.from_jwk(key.public_key).material == public.material:
            raise Conflicting(
                f"the app has this key already, as {key.id}; if it is retired, 'hullo identity-key retire' with a "
                "later time brings it back"
            )


def _parse_scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise Invalid(f"a scope is one of {', '.join(Scope)}, not {text!r}") from None
