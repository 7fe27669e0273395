"""Matches by the folded email, when no external id finds a contact (M2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import EMAIL, Candidates, Claim, Identifier, Match, hookimpl


class ByEmail:
    """Trimmed, case-folded, IDNA domain, inside the workspace."""

    name: ClassVar = "email"

    @hookimpl
    def name_identifiers(self, claim: Claim) -> Sequence[Identifier]:
        return [Identifier(EMAIL, claim.email)] if claim.email is not None else []

    @hookimpl
    def match_contact(self, candidates: Candidates) -> Match | None:
        found = candidates.by(EMAIL)
        return Match(found, by=EMAIL) if found is not None else None
