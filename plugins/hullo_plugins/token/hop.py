"""The token that carries a session's identity to another site (T1, T5)."""

from __future__ import annotations

from hashlib import blake2b
from typing import ClassVar, Final

from hullo.plugin import (
    HS256,
    MAX_HOP_LIFETIME,
    App,
    Host,
    IdentityKey,
    Instant,
    Limits,
    ProofRejected,
    RequestContext,
    Session,
    SingleUseToken,
    Standing,
    TokenClaims,
    hookimpl,
    parse_token,
    sign_token,
    validate_token_payload,
    verify_signature,
)

TOKEN_TYPE: Final = "hullo-hop"
"""The token's `typ`: what is made for a hop proves nothing as a signed token, and the reverse."""
_STANDINGS: Final = {standing.label: standing for standing in Standing}


class HopToken:
    """Signs with a key that is derived from the target app's newest identity key, which every process knows.

    The token names a session by its digest, and no person: it stands in addresses, where others may read it.
    """

    name: ClassVar = "hop"
    waits: ClassVar = False

    def __init__(self) -> None:
        self._max_token_bytes = Limits().token_bytes

    @hookimpl
    def startup(self, hullo: Host) -> None:
        self._max_token_bytes = hullo.settings.limits.token_bytes

    @hookimpl
    def issue_token(self, session: Session, audience: App, moment: RequestContext, source: App) -> str | None:
        key = audience.signing_key(moment.now)
        if key is None or session.standing is None:
            return None
        # The browser that carries it can read it, and must learn no more of its standing than from a response (H2).
        standing = session.standing.public_label
        claims: dict[str, object] = {"jti": moment.new_secret(self.name), "ses": session.digest, "std": standing}
        # In the token, as the target's process may not know the source app (S5).
        if not source.linked_logout:
            claims["lnk"] = False
        secret = _hop_secret(key)
        return sign_token(
            key, audience.app_key, claims, now=moment.now, lifetime=MAX_HOP_LIFETIME, secret=secret, typ=TOKEN_TYPE
        )

    @hookimpl
    def read_token(self, text: str, app: App, now: Instant) -> TokenClaims | None:
        try:
            parsed = parse_token(text, self._max_token_bytes)
        except ProofRejected:
            return None  # not this plugin's token
        if parsed.header.get("typ") != TOKEN_TYPE:
            return None
        keys = [key for key in app.identity_keys if key.can_sign(now)]
        if not any(verify_signature(parsed, _hop_secret(key), HS256) for key in keys):
            raise ProofRejected("the identity token was made for another app, or by nobody", mistake="signature")
        expires_at = validate_token_payload(parsed.payload, app, now, max_lifetime=MAX_HOP_LIFETIME, leeway=0)
        token_id, session, standing = (parsed.payload.get(name) for name in ("jti", "ses", "std"))
        if not (isinstance(token_id, str) and isinstance(session, str) and isinstance(standing, str)):
            raise ProofRejected("the identity token lacks what it is made of", mistake="no_hop")
        if standing not in _STANDINGS:
            raise ProofRejected("the identity token says nothing of how far it is believed", mistake="no_hop")
        return TokenClaims(
            by=self.name,
            session=session,
            standing=_STANDINGS[standing],
            is_linked=parsed.payload.get("lnk") is not False,
            single_use_token=SingleUseToken.for_token(app.id, f"{self.name}:{token_id}", expires_at),
        )


def _hop_secret(key: IdentityKey) -> str:
    """Derive the secret that signs hop tokens. A site never signs with it, so no signed token passes for a hop."""
    return blake2b(key.secret.encode(), person=b"hullo-hop-token", digest_size=32).hexdigest()
