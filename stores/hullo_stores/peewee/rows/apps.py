"""Who may call, what was answered to them, and what may not be used again. See the package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from hullo.model.app import ApiKey, App, EmailMatch, IdentityKey, Scope, VerificationMode, Workspace
from hullo.model.change_set import CallCount, SpentToken, StoredResponse
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.retention import Retention
from hullo_stores.peewee.rows.encoding import Row, json_text, texts_of


class _Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What few apps set."""

    consent_required: bool = False
    retention: Retention = Retention()
    linked_logout: bool = True
    email_match: EmailMatch = EmailMatch.JOINED
    protected_keys: tuple[str, ...] = ()


_scopes_of = msgspec.json.Decoder(frozenset[Scope]).decode
_policy_of = msgspec.json.Decoder(_Policy).decode
_DEFAULT_POLICY: Final = _Policy()


def workspace_row(workspace: Workspace) -> Row:
    return (workspace.id, workspace.name, workspace.created_at, workspace.version, workspace.salt or None)


def workspace_of(row: Row) -> Workspace:
    id_, name, created_at, version, salt = row
    return Workspace(id=id_, name=name, created_at=created_at, salt=salt or "", version=version)


def app_row(app: App) -> Row:
    policy = _Policy(
        consent_required=app.consent_required,
        retention=app.retention,
        linked_logout=app.linked_logout,
        email_match=app.email_match,
        protected_keys=app.protected_keys,
    )
    return (
        app.id,
        app.workspace_id,
        app.name,
        app.created_at,
        json_text(app.origins),
        app.verification.value,
        app.region,
        app.version,
        None if policy == _DEFAULT_POLICY else json_text(policy),
    )


def app_of(row: Row, keys: Iterable[IdentityKey]) -> App:
    id_, workspace_id, name, created_at, origins, verification, region, version, policy_text = row
    policy = _DEFAULT_POLICY if policy_text is None else _policy_of(policy_text)
    return App(
        id=id_,
        workspace_id=workspace_id,
        name=name,
        created_at=created_at,
        origins=texts_of(origins),
        verification=VerificationMode(verification),
        region=region,
        consent_required=policy.consent_required,
        retention=policy.retention,
        linked_logout=policy.linked_logout,
        email_match=policy.email_match,
        protected_keys=policy.protected_keys,
        identity_keys=tuple(keys),
        version=version,
    )


def identity_key_row(key: IdentityKey) -> Row:
    return (key.id, key.app_id, key.secret, key.created_at, key.last_used_at, key.retires_at, key.public_key)


def identity_key_of(row: Row) -> IdentityKey:
    id_, app_id, secret, created_at, last_used_at, retires_at, public_key = row
    return IdentityKey(
        id=id_,
        app_id=app_id,
        secret=secret,
        created_at=created_at,
        last_used_at=last_used_at,
        retires_at=retires_at,
        public_key=public_key,
    )


def api_key_row(key: ApiKey) -> Row:
    return (
        key.id,
        key.workspace_id,
        key.digest,
        key.created_at,
        key.app_id,
        json_text(sorted(key.scopes)),
        key.revoked_at,
        key.version,
    )


def api_key_of(row: Row) -> ApiKey:
    id_, workspace_id, digest, created_at, app_id, scopes, revoked_at, version = row
    return ApiKey(
        id=id_,
        workspace_id=workspace_id,
        digest=digest,
        created_at=created_at,
        app_id=app_id,
        scopes=_scopes_of(scopes),
        revoked_at=revoked_at,
        version=version,
    )


def answer_row(answer: StoredResponse) -> Row:
    return (answer.digest, answer.request_digest, answer.seed, answer.at, answer.body, answer.expires_at)


def answer_of(row: Row) -> StoredResponse:
    digest, request, seed, at, body, expires_at = row
    return StoredResponse(digest=digest, request_digest=request, seed=seed, at=at, body=body, expires_at=expires_at)


def spent_row(spent: SpentToken) -> Row:
    return (spent.digest, spent.expires_at)


def refused_origin_row(refused: RefusedOrigin) -> Row:
    """Return the values in the order of `COUNT_REFUSED_ORIGINS`."""
    return (refused.calls, refused.app_id, refused.hour, refused.origin, refused.expires_at, refused.digest)


def refused_origin_of(row: Row) -> RefusedOrigin:
    _, app_id, hour, origin, calls, _ = row
    return RefusedOrigin(app_id=app_id, hour=hour, origin=origin, calls=calls)


def call_count_of(row: Row) -> CallCount:
    app_id, day, signed, unsigned, wrong = row
    return CallCount(app_id=app_id, day=day, signed=signed, unsigned=unsigned, wrong=wrong)
