"""Merges a contact known by its email into one with an external id, when one call proves both (C1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import EMAIL, EXTERNAL_ID, Claim, Contact, Identifier, MergePlan, Proof, hookimpl, is_proven


class ProvenEmail:
    """Plans a merge when one call proves the external id of the survivor, which it may be about to get, and the email
    of the other contact, which has no external id."""

    name: ClassVar = "proven-email"

    @hookimpl
    def plan_merge(self, claim: Claim, proofs: Sequence[Proof], other: Contact) -> MergePlan | None:
        if claim.external_id is None or claim.email is None or other.external_id is not None:
            return None
        external_id, email = Identifier(EXTERNAL_ID, claim.external_id), Identifier(EMAIL, claim.email)
        proven = is_proven(external_id, proofs) and is_proven(email, proofs)
        return MergePlan(rule="C1") if proven and other.has_identifier(email) else None
