"""Apps, workspaces and keys: made, changed, rotated and retired by whoever runs hullo."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Final

from hullo.errors import Conflicting, Invalid, NotFound, TooContended, UnknownApp
from hullo.model.app import ALL_SCOPES, ApiKey, App, IdentityKey, Scope, VerificationMode, Workspace
from hullo.model.change_set import Change, ChangeSet, changed, created
from hullo.model.instant import Instant
from hullo.model.moment import Clock, Moment, secret_digest
from hullo.model.public_key import PublicKey, read_public_key
from hullo.pipeline.origins import listed
from hullo.pipeline.retry import TRIES
from hullo.pipeline.vault import Vault
from hullo.store.protocol import Applied, Store

DEFAULT_WORKSPACE = "default"
IDENTITY_KEY_PREFIX = "hik"
API_KEY_PREFIX = "hsk"
ACTIVE_KEYS: Final = 50
"""The most identity keys that an app may have active at once, as every call may try them all."""

Edit = Callable[[App], App]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """An app with its first identity key, which signs for it (V1)."""

    app_id: str
    app_key: str
    workspace_id: str
    identity_key_id: str
    identity_key: str = dataclass_field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """An API key with its secret, which is shown this once."""

    key: ApiKey
    secret: str = dataclass_field(repr=False)


class Register:
    """Writes are rare and made by people, so each is a transaction of its own; racing ones are tried again.

    The apps and identity keys that it gives are as they are stored, sealed where there is a master key; only a secret
    that was made just now is plain.
    """

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault

    def create_app(
        self,
        name: str,
        *,
        origins: Iterable[str] = (),
        verification: VerificationMode | str = VerificationMode.OPTIONAL,
        workspace: str | None = None,
        region: str | None = None,
    ) -> NewApp:
        """An app with its first identity key, in the workspace named (or made, when nobody has that name).

        Raises `Invalid` for a wrong origin, name or region.
        """
        moment = self._moment()
        for _ in range(TRIES):
            home, new = self._workspace(workspace, moment)
            app = App(
                id=moment.new_id("app"),
                workspace_id=home.id,
                name=_name(name),
                created_at=moment.now,
                origins=_origins(origins),
                verification=_mode(verification),
                region=_region(region),
            )
            key = _new_identity_key(app, moment)
            app = replace(app, identity_keys=(self._sealed(key),))
            # A conflict: somebody made the workspace of this name meanwhile, and the app goes into theirs.
            if self._applied(ChangeSet(workspaces=(new,) if new else (), apps=(created(app),))):
                return NewApp(
                    app_id=app.id,
                    app_key=app.app_key,
                    workspace_id=home.id,
                    identity_key_id=key.id,
                    identity_key=key.secret,
                )
        raise TooContended

    def change_app(self, app_key: str, fields: Mapping[str, str]) -> App:
        """Sets `name`, `origins` (comma-separated), `verification` or `region` from their texts.

        Raises `UnknownApp`, and `Invalid` for another field or a wrong value.
        """
        changes: dict[str, object] = {}
        for field, text in fields.items():
            if field == "name":
                changes[field] = _name(text)
            elif field == "origins":
                changes[field] = _origins(part.strip() for part in text.split(",") if part.strip())
            elif field == "verification":
                changes[field] = _mode(text)
            elif field == "region":
                changes[field] = _region(text or None)
            else:
                raise Invalid(f"an app has no field {field!r}; there are name, origins, verification, region")
        return self._rewrite(app_key, lambda app: replace(app, **changes))  # type: ignore[arg-type]

    def add_identity_key(self, app_key: str) -> IdentityKey:
        """One more key that signers may use; the others go on verifying (V4). Its secret is in the answer alone.

        Raises `UnknownApp`, and `Invalid` when the app has too many.
        """
        moment = self._moment()
        app = self._rewrite(app_key, lambda app: _with_key(app, self._sealed(_new_identity_key(app, moment)), moment))
        return _new_identity_key(app, moment)

    def add_public_key(self, app_key: str, text: str) -> IdentityKey:
        """One more key, of which the site keeps the private half: it verifies tokens (V5). `text` is PEM or a JWK.

        Raises `UnknownApp`, `Invalid` for what is no such key, or when the app has too many, `Conflicting` when it has
        this one, and `SettingsError` without `cryptography`.
        """
        public, moment = read_public_key(text), self._moment()

        def with_it(app: App) -> App:
            _refuse_known(app, public)
            key = IdentityKey(
                id=moment.new_id("ik"), app_id=app.id, secret="", created_at=moment.now, public_key=public.jwk
            )
            return _with_key(app, key, moment)

        return self._rewrite(app_key, with_it).identity_keys[-1]

    def retire_identity_key(self, app_key: str, key_id: str, at: Instant | None = None) -> IdentityKey:
        """The key stops verifying at that time, or now. May be said again to move the time.

        Raises `UnknownApp`, and `NotFound` when the app has no such key.
        """
        when = at if at is not None else self._clock()

        def retired(app: App) -> App:
            if all(key.id != key_id for key in app.identity_keys):
                raise NotFound(f"the app has no identity key {key_id}; 'hullo identity-key list' shows them")
            keys = (replace(key, retires_at=when) if key.id == key_id else key for key in app.identity_keys)
            return replace(app, identity_keys=tuple(keys))

        app = self._rewrite(app_key, retired)
        return next(key for key in app.identity_keys if key.id == key_id)

    def create_api_key(
        self,
        *,
        workspace: str | None = None,
        app_key: str | None = None,
        scopes: Iterable[Scope | str] = ALL_SCOPES,
    ) -> NewApiKey:
        """A key for a workspace, by id or name, or for one app of it. Without either: the only workspace there is.

        Raises `UnknownApp`, `NotFound`, and `Invalid` when it is unclear which workspace is meant.
        """
        moment = self._moment()
        app = self._app(app_key) if app_key is not None else None
        home = app.workspace_id if app is not None else self._existing_workspace(workspace).id
        secret = moment.new_secret(API_KEY_PREFIX)
        key = ApiKey(
            id=moment.new_id("key"),
            workspace_id=home,
            app_id=app.id if app is not None else None,
            digest=secret_digest(secret),
            scopes=frozenset(_scope(each) for each in scopes),
            created_at=moment.now,
        )
        self._apply(ChangeSet(api_keys=(created(key),)))
        return NewApiKey(key=key, secret=secret)

    def revoke_api_key(self, key_id: str) -> ApiKey:
        """The key is refused from now on. Revoking it again changes nothing. Raises `NotFound`."""
        for _ in range(TRIES):
            key = next((each for each in self._store.list_api_keys() if each.id == key_id), None)
            if key is None:
                raise NotFound(f"no API key {key_id}; 'hullo api-key list' shows them")
            if key.revoked_at is not None:
                return key
            change = changed(key, replace(key, revoked_at=self._clock()))
            if self._applied(ChangeSet(api_keys=(change,))):
                return change.after
        raise TooContended

    def _moment(self) -> Moment:
        return Moment.at(self._clock())

    def _app(self, app_key: str) -> App:
        app = self._store.find_app(app_key)
        if app is None:
            raise UnknownApp
        return app

    def _rewrite(self, app_key: str, edit: Edit) -> App:
        for _ in range(TRIES):
            app = self._app(app_key)
            change = changed(app, edit(app))
            if self._applied(ChangeSet(apps=(change,))):
                return change.after
        raise TooContended

    def _workspace(self, wanted: str | None, moment: Moment) -> tuple[Workspace, Change[Workspace] | None]:
        name = wanted if wanted is not None else DEFAULT_WORKSPACE
        known = self._find_workspace(name)
        if known is not None:
            return known, None
        workspace = Workspace(id=moment.new_id("ws"), name=_name(name), created_at=moment.now)
        return workspace, created(workspace)

    def _existing_workspace(self, wanted: str | None) -> Workspace:
        if wanted is not None:
            known = self._find_workspace(wanted)
            if known is None:
                raise NotFound(f"no workspace is called {wanted!r}; an app makes its own when it is created")
            return known
        workspaces = self._store.list_workspaces()
        if len(workspaces) != 1:
            raise Invalid("say which workspace" if workspaces else "there is no workspace yet: create an app first")
        return workspaces[0]

    def _find_workspace(self, wanted: str) -> Workspace | None:
        return next((each for each in self._store.list_workspaces() if wanted in {each.id, each.name}), None)

    def _sealed(self, key: IdentityKey) -> IdentityKey:
        return replace(key, secret=self._vault.seal(key.app_id, key.id, key.secret))

    def _apply(self, change_set: ChangeSet) -> None:
        if not self._applied(change_set):
            raise TooContended

    def _applied(self, change_set: ChangeSet) -> bool:
        return isinstance(self._store.apply([change_set])[0], Applied)


def _new_identity_key(app: App, moment: Moment) -> IdentityKey:
    """The same for the same moment."""
    return IdentityKey(
        id=moment.new_id("ik"),
        app_id=app.id,
        secret=moment.new_secret(IDENTITY_KEY_PREFIX),
        created_at=moment.now,
    )


def _with_key(app: App, key: IdentityKey, moment: Moment) -> App:
    if sum(each.active(moment.now) for each in app.identity_keys) >= ACTIVE_KEYS:
        raise Invalid(f"the app has {ACTIVE_KEYS} active identity keys; retire one first")
    return replace(app, identity_keys=(*app.identity_keys, key))


def _refuse_known(app: App, public: PublicKey) -> None:
    for key in app.identity_keys:
        if key.public_key is not None and PublicKey.stored(key.public_key).material == public.material:
            raise Conflicting(
                f"the app has this key already, as {key.id}; if it is retired, 'hullo identity-key retire' with a "
                "later time brings it back"
            )


def _name(text: str) -> str:
    name = text.strip()
    # Controls (Cc) and lone surrogates (Cs); joiners are fine, as many a letter and emoji needs them.
    if not 0 < len(name) <= 255 or any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise Invalid("a name is 1 to 255 characters in one line")
    return name


def _origins(texts: Iterable[str]) -> tuple[str, ...]:
    origins: list[str] = []
    for text in texts:
        origin = listed(text.rstrip("/"))
        if origin is None:
            raise Invalid(
                f"{text!r} is no origin; write it as a browser does, such as https://shop.example.com, or "
                "https://*.example.com for all its sub-domains"
            )
        origins.append(origin)
    return tuple(dict.fromkeys(origins))


def _mode(text: str) -> VerificationMode:
    try:
        return VerificationMode(text)
    except ValueError:
        raise Invalid(f"verification is one of {', '.join(VerificationMode)}, not {text!r}") from None


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise Invalid(f"a scope is one of {', '.join(Scope)}, not {text!r}") from None


def _region(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) != 2 or not text.isascii() or not text.isalpha():
        raise Invalid(f"a region is a two-letter country code such as DE, not {text!r}")
    return text.upper()
