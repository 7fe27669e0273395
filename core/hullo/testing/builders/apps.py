"""Who may call, and what is kept of calls."""

from __future__ import annotations

from hullo.model.app import ApiKey, App, IdentityKey, Workspace
from hullo.model.change_set import CallCount, SpentToken, StoredResponse
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.request_context import secret_digest
from hullo.testing.builders.constants import APP, NOW, TODAY, WORKSPACE


def a_workspace(id: str = WORKSPACE) -> Workspace:
    """A workspace."""
    return Workspace(id=id, name=f"Workspace {id}", created_at=NOW)


def an_app(id: str = APP, *, workspace_id: str = WORKSPACE, identity_keys: tuple[IdentityKey, ...] = ()) -> App:
    """An app with one origin and every setting set."""
    return App(
        id=id,
        workspace_id=workspace_id,
        name=f"App {id}",
        created_at=NOW,
        # Two, so that a store which keeps only the first one is found out. `.example` belongs to no site (RFC 2606).
        origins=("https://shop.example", "https://help.example"),
        region="NL",
        identity_keys=identity_keys,
    )


def an_identity_key(id: str = "key_1", *, app_id: str = APP, created_at: Instant = NOW) -> IdentityKey:
    """An active key that nobody has used."""
    return IdentityKey(id=id, app_id=app_id, secret=f"secret of {id}", created_at=created_at)


def a_public_key(id: str = "key_p", *, app_id: str = APP, created_at: Instant = NOW) -> IdentityKey:
    """An active key of which only the site has the secret half."""
    # The public key of RFC 8037, appendix A.2: a point that libraries accept.
    public = f'{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}'
    return IdentityKey(id=id, app_id=app_id, secret="", created_at=created_at, public_key=public)


def an_api_key(id: str = "hsk_1", *, workspace_id: str = WORKSPACE) -> ApiKey:
    """A key for a whole workspace, with every scope."""
    # Its secret is its id, so that a test can call with it without being handed one.
    return ApiKey(id=id, workspace_id=workspace_id, digest=secret_digest(id), created_at=NOW)


def a_stored_response(
    key: str = "once", *, at: Instant = NOW, lifetime: Instant = DAY, body: bytes = b'{"ok":true}'
) -> StoredResponse:
    """An answer to a call with an idempotency key."""
    return StoredResponse(
        digest=secret_digest(key),
        request_digest=secret_digest("body"),
        # Fixed: an answer that is repeated must get the same ids.
        seed=bytes(range(32)),
        at=at,
        body=body,
        expires_at=at + lifetime,
    )


def a_spent_token(token: str = "jti_1", *, at: Instant = NOW, lifetime: Instant = HOUR) -> SpentToken:
    """A token that was used, and could be for some time if it were not for that."""
    return SpentToken(digest=secret_digest(token), at=at, expires_at=at + lifetime)


def a_refused_origin(
    origin: str = "https://new.example.com", *, app_id: str = APP, hour: Instant = TODAY, calls: int = 1
) -> RefusedOrigin:
    """Refused calls of pages of an origin, of one hour."""
    return RefusedOrigin(app_id=app_id, hour=hour, origin=origin, calls=calls)


def a_call_count(
    app_id: str = APP, *, day: Instant = TODAY, signed: int = 3, unsigned: int = 2, wrong: int = 1
) -> CallCount:
    """An app's calls of a day."""
    return CallCount(app_id=app_id, day=day, signed=signed, unsigned=unsigned, wrong=wrong)
