"""Attributes that come with a hash of their own, such as the shop that a page belongs to (V6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hullo.plugin import (
    App,
    Claim,
    Instant,
    Mistake,
    Proof,
    ProofRejected,
    attribute_hash_field,
    custom_field,
    hookimpl,
    matching_key_id,
)
from hullo_plugins.verify.mistakes.hashes import HashEvidence, explain_hash
from hullo_plugins.verify.mistakes.values import signable_values


class SignedAttribute:
    """Proves the attributes themselves, and not the person: the identifiers of the call stay claims.

    The setting `limits.signed_attributes` lists the attributes.
    """

    name: ClassVar = "signed-attribute"
    waits: ClassVar = False

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        if not claim.attribute_hashes:
            return None
        key_id: str | None = None
        for attribute, sent in claim.attribute_hashes.items():
            value, field = claim.custom_data.get(attribute), attribute_hash_field(attribute)
            if not isinstance(value, str):
                raise ProofRejected(f"{field} was sent without a text as {attribute}")
            key_id = matching_key_id(app.identity_keys, now, value, sent)
            if key_id is None:
                raise ProofRejected(f"{field} is not the HMAC of this {attribute} under any active key")
        return Proof(
            by=self.name,
            evidence=tuple(map(attribute_hash_field, claim.attribute_hashes)),
            key_id=key_id,
            signed_fields=frozenset(map(custom_field, claim.attribute_hashes)),
        )

    @hookimpl
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        return [
            mistake
            for attribute, sent in claim.attribute_hashes.items()
            for mistake in explain_hash(_hash_evidence(attribute, sent, claim), app, now)
        ]


def _hash_evidence(attribute: str, sent: str, claim: Claim) -> HashEvidence:
    value = claim.custom_data.get(attribute)
    text = value if isinstance(value, str) else None
    return HashEvidence(
        field=attribute_hash_field(attribute),
        text=sent,
        signed_field=attribute if text is not None else f"a text as {attribute}",
        value=text,
        other_values=signable_values(claim),
    )
