"""The HMACs that a site's server computes with an identity key (V1, V2, V4, V6, V7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from hullo.plugin import (
    EMAIL,
    EXTERNAL_ID,
    App,
    Claim,
    Identifier,
    Instant,
    Mistake,
    Proof,
    ProofRejected,
    hookimpl,
    matching_key_id,
)
from hullo_plugins.verify.mistakes.hashes import HashEvidence, explain_hash
from hullo_plugins.verify.mistakes.values import signable_values

EMAIL_HASH: Final = "email_hash"


class UserHash:
    """Vouches for the external id, or for the email where no external id is sent, and for nothing beside it.

    `email_hash` vouches for the email, whatever stands beside it: a hash over an external id is none over the email.
    """

    name: ClassVar = "user-hash"
    waits: ClassVar = False

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        if claim.user_hash is None and claim.email_hash is None:
            return None
        proven: dict[str, Identifier] = {}
        key_id: str | None = None
        if claim.user_hash is not None:
            proven["user_hash"], key_id = _verify("user_hash", claim.user_hash, _signed_identifier(claim), app, now)
        if claim.email_hash is not None:
            proven[EMAIL_HASH], key_id = _verify(EMAIL_HASH, claim.email_hash, _signed_email(claim), app, now)
        return Proof(by=self.name, identifiers=tuple(proven.values()), evidence=tuple(proven), key_id=key_id)

    @hookimpl
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        mistakes: list[Mistake] = []
        if claim.email_hash is not None:
            hashed = HashEvidence(
                field=EMAIL_HASH,
                text=claim.email_hash,
                signed_field=EMAIL if claim.email is not None else "an email",
                value=claim.email_as_sent if claim.email is not None else None,
                other_values=signable_values(claim),
            )
            mistakes += explain_hash(hashed, app, now)
        return [*mistakes, *self._explain_user_hash(claim, app, now)]

    def _explain_user_hash(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        if claim.user_hash is None:
            return []
        identifier, text = _signed_identifier(claim) or (None, None)
        hashed = HashEvidence(
            field="user_hash",
            text=claim.user_hash,
            signed_field=identifier.kind if identifier is not None else "an external_id or an email",
            value=text,
            other_values=signable_values(claim),
            external_id_rejection=next((fault.reason for fault in claim.rejected if fault.field == EXTERNAL_ID), None),
        )
        return explain_hash(hashed, app, now)


def _verify(
    field: str, sent: str, signed: tuple[Identifier, str] | None, app: App, now: Instant
) -> tuple[Identifier, str]:
    """Return the identifier that the hash is over, and the key that signed it. Raises `ProofRejected`."""
    if signed is None:
        raise ProofRejected(f"{field} was sent without an identifier that it could be over")
    identifier, text = signed
    key_id = matching_key_id(app.identity_keys, now, text, sent)
    if key_id is None:
        raise ProofRejected(f"{field} is not the HMAC of this {identifier.kind} under any active key")
    return identifier, key_id


def _signed_email(claim: Claim) -> tuple[Identifier, str] | None:
    if claim.email is None or claim.email_as_sent is None:
        return None
    return Identifier(EMAIL, claim.email), claim.email_as_sent


def _signed_identifier(claim: Claim) -> tuple[Identifier, str] | None:
    if claim.external_id is not None:
        return Identifier(EXTERNAL_ID, claim.external_id), claim.external_id
    return _signed_email(claim)
