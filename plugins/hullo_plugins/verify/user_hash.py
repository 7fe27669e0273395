"""The HMAC that a site's server computes with an identity key (V1, V2, V4, V7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

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


class UserHash:
    """Vouches for the external id, or for the email where no external id is sent, and for nothing beside it."""

    name: ClassVar = "user-hash"
    waits: ClassVar = False

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        if claim.user_hash is None:
            return None
        signed = _signed_identifier(claim)
        if signed is None:
            raise ProofRejected("user_hash was sent without an identifier that it could be over")
        identifier, text = signed
        verifying = matching_key_id(app.identity_keys, now, text, claim.user_hash)
        if verifying is None:
            raise ProofRejected(f"user_hash is not the HMAC of this {identifier.kind} under any active key")
        return Proof(by=self.name, identifiers=(identifier,), evidence=("user_hash",), key_id=verifying)

    @hookimpl
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
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


def _signed_identifier(claim: Claim) -> tuple[Identifier, str] | None:
    if claim.external_id is not None:
        return Identifier(EXTERNAL_ID, claim.external_id), claim.external_id
    if claim.email is not None and claim.email_as_sent is not None:
        return Identifier(EMAIL, claim.email), claim.email_as_sent
    return None
