"""Attributes that come with a hash of their own, such as the shop that a page belongs to (V6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from hullo.errors import ProofRejected
from hullo.hooks.specs import hookimpl
from hullo.hooks.writes import custom_field
from hullo.model.app import App
from hullo.model.claim import Claim, attribute_hash
from hullo.model.instant import Instant
from hullo.model.mistake import Mistake
from hullo.model.proof import Proof
from hullo.model.user_hash import hashed_with
from hullo_plugins.verify.mistakes.hashes import Hashed, explain_hash
from hullo_plugins.verify.mistakes.values import texts_of


class SignedAttribute:
    """Vouches for the attributes themselves, and not for the person: whoever is claimed to be there stays a claim.

    Which attributes there are the settings say, as `limits.signed_attributes`.
    """

    name: ClassVar = "signed-attribute"
    waits: ClassVar = False

    @hookimpl
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        if not claim.attribute_hashes:
            return None
        key_id: str | None = None
        for attribute, sent in claim.attribute_hashes.items():
            value, field = claim.custom_data.get(attribute), attribute_hash(attribute)
            if not isinstance(value, str):
                raise ProofRejected(f"{field} was sent without a text as {attribute}")
            key_id = hashed_with(app.identity_keys, now, value, sent)
            if key_id is None:
                raise ProofRejected(f"{field} is not the HMAC of this {attribute} under any active key")
        return Proof(
            by=self.name,
            evidence=tuple(map(attribute_hash, claim.attribute_hashes)),
            key_id=key_id,
            fields=frozenset(map(custom_field, claim.attribute_hashes)),
        )

    @hookimpl
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        return [
            mistake
            for attribute, sent in claim.attribute_hashes.items()
            for mistake in explain_hash(_hashed(attribute, sent, claim), app, now)
        ]


def _hashed(attribute: str, sent: str, claim: Claim) -> Hashed:
    value = claim.custom_data.get(attribute)
    text = value if isinstance(value, str) else None
    return Hashed(
        field=attribute_hash(attribute),
        sent=sent,
        signed=attribute if text is not None else f"a text as {attribute}",
        value=text,
        others=texts_of(claim),
    )
