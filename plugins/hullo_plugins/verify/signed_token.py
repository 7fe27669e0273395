"""The token that a site's server signs about a person (V5, T4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hullo.plugin import (
    App,
    Claim,
    Host,
    Instant,
    Limits,
    Mistake,
    Proof,
    ProofRejected,
    SignedToken,
    SingleUseToken,
    hookimpl,
    read_signed_token,
)
from hullo_plugins.verify.mistakes.tokens import explain_token
from hullo_plugins.verify.token_person import identify_body


class SignedTokenProof:
    """Vouches for everything that the token says, and for nothing beside it.

    A token with a `jti` is accepted once. One that arrives as an identity token, in an address, is accepted once
    whether it has a `jti` or not (T1, T4), and no more after that in any other way: addresses are read by others. A
    token may state that it is good for several times, or only after a click on the confirmation page (T6).
    """

    name: ClassVar = "signed-token"
    waits: ClassVar = False

    def __init__(self) -> None:
        self._limits = Limits()

    @hookimpl
    def startup(self, hullo: Host) -> None:
        self._limits = hullo.settings.limits

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        hopped = claim.token is None
        text = claim.identity_token if hopped else claim.token
        if text is None:
            return None
        token = read_signed_token(text, app, now, self._limits.token_bytes)
        # Programs that check mails open each link in them; none of them presses a button (T6).
        if token.needs_confirmation and not claim.is_confirmed:
            raise ProofRejected(
                "the token counts only after a click on the confirmation page, which IdentityMiddleware serves",
                mistake="unconfirmed",
            )
        states = Claim.from_body(identify_body(token.payload), self._limits)
        return Proof(
            by=self.name,
            identifiers=states.identifiers,
            evidence=("identity_token" if hopped else "token",),
            key_id=token.key_id,
            signed_claim=states,
            single_use_token=_single_use(app, token, spends=hopped or token.token_id is not None),
        )

    @hookimpl
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        field = "identity_token" if claim.token is None else "token"
        text = claim.identity_token if claim.token is None else claim.token
        return explain_token(field, text, app, now, self._limits) if text is not None else []


def _single_use(app: App, token: SignedToken, *, spends: bool) -> SingleUseToken:
    name = token.token_id if token.token_id is not None else token.digest
    return SingleUseToken.for_token(app.id, f"token:{name}", token.expires_at, spends=spends, uses=token.uses)
