"""The site's own id of a person: the most reliable identifier, since it never changes (M1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import EXTERNAL_ID, Candidates, Claim, Identifier, Match, hookimpl


class ByExternalId:
    """Exact, case-sensitive, inside the workspace."""

    name: ClassVar = "external-id"

    @hookimpl
    def name_identifiers(self, claim: Claim) -> Sequence[Identifier]:
        return [Identifier(EXTERNAL_ID, claim.external_id)] if claim.external_id is not None else []

    @hookimpl
    def match_contact(self, candidates: Candidates) -> Match | None:
        found = candidates.by(EXTERNAL_ID)
        return Match(found, by=EXTERNAL_ID) if found is not None else None
