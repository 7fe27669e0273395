"""Signatures of a site's server, made by hullo: for trials, and for servers that mount it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.errors import Invalid, NoIdentifier, NotFound
from hullo.model.app import App, IdentityKey
from hullo.model.claim import CUSTOM_DATA, Claim
from hullo.model.compact_token import MAX_LIFETIME, sign_token
from hullo.model.identifier import EMAIL
from hullo.model.instant import SECOND, Instant
from hullo.model.limits import Limits
from hullo.model.request_context import RequestContext
from hullo.model.signed_token import CONFIRM, MAX_USES, USES
from hullo.model.user_hash import user_hash

TOKEN_ID_PREFIX: Final = "jti"
PAGE_TOKEN_SECONDS: Final = 300


def compute_user_hash(app: App, value: str, now: Instant) -> str:
    """Compute the `user_hash` of an external id, or of an email as sent, with the newest key (V1). Raises
    `NotFound`."""
    # The value as given: trimming it here would sign another text than the page sends (V1).
    return user_hash(_signing_key(app, now).secret, value)


def mint_token(
    app: App,
    body: Mapping[str, object],
    limits: Limits,
    context: RequestContext,
    *,
    ttl: int | None = None,
    for_mail: bool = False,
    uses: int = 1,
) -> str:
    """Make a token about a person (V5), signed with the newest key.

    `body` is the part of an identify body that describes the person; `ttl` is in seconds, None for `default_lifetime`.
    `for_mail`: the token counts after a click on the confirmation page; `uses`: how often it counts (T6). Raises
    `NoIdentifier`, `NotFound`, and `Invalid` for a field, a lifetime or a number that the app would refuse.
    """
    ttl = ttl if ttl is not None else default_lifetime(for_mail=for_mail, uses=uses)
    claim = Claim.from_body(body, limits)
    # W8 does not apply: a token is made once and used by a page, which could not see what is missing.
    if claim.rejected:
        raise Invalid("no token was made, since some fields are wrong", claim.rejected)
    if not claim.identifiers:
        raise NoIdentifier
    # The same limit as in verification: a token that lives longer would be refused (V5).
    if not 1 <= ttl <= MAX_LIFETIME // SECOND:
        raise Invalid(f"a token lives for 1 to {MAX_LIFETIME // SECOND} seconds")
    if not 1 <= uses <= MAX_USES:
        raise Invalid(f"a token is good for 1 to {MAX_USES} uses")
    # RFC 7519 §4.1.2: `sub` names the person, so the external id has no claim of its own.
    person = {"sub": claim.external_id, EMAIL: claim.email_as_sent, **claim.profile, CUSTOM_DATA: claim.custom_data}
    # Null in a token would clear the field (W5), and this token only states values.
    claims = {name: value for name, value in person.items() if value not in (None, {})}
    return sign_token(
        _signing_key(app, context.now),
        app.app_key,
        # A `jti` limits the uses of the token, so a leaked one is worth nothing later (V5).
        {**claims, "jti": context.new_secret(TOKEN_ID_PREFIX), **_use_claims(for_mail=for_mail, uses=uses)},
        now=context.now,
        lifetime=ttl * SECOND,
    )


def default_lifetime(*, for_mail: bool, uses: int) -> int:
    """Return the seconds that a token lives by default: a mail is read later than a page is loaded."""
    # A token for several uses is for mails too.
    return MAX_LIFETIME // SECOND if for_mail or uses > 1 else PAGE_TOKEN_SECONDS


def _use_claims(*, for_mail: bool, uses: int) -> dict[str, object]:
    # Left out where they say what is true without them: tokens stay short, and as they were.
    return {**({CONFIRM: True} if for_mail else {}), **({USES: uses} if uses > 1 else {})}


def _signing_key(app: App, now: Instant) -> IdentityKey:
    key = app.signing_key(now)
    if key is None:
        # Two causes with two remedies: the error tells which one it is.
        has_active = any(key.is_active(now) for key in app.identity_keys)
        keys, are = ("active identity key", "a public one") if has_active else ("identity key", "retired")
        raise NotFound(f"every {keys} of this app is {are}; 'hullo identity-key add' makes one that signs")
    return key
