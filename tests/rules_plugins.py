"""A matcher for tests: a third kind of identifier, judged before the built-in ones."""

from __future__ import annotations

from hullo.hooks.hookspecs import hookimpl
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier
from hullo.model.match import Candidates, Match


class ByCard:
    """Matches by a card, before external id and email."""

    name = "card"

    @hookimpl
    def name_identifiers(self, claim: Claim) -> list[Identifier]:
        card = claim.custom_data.get("card")
        return [Identifier("card", card)] if card else []  # type: ignore[arg-type]

    @hookimpl
    def match_contact(self, candidates: Candidates) -> Match | None:
        found = candidates.by("card")
        return Match(found, by=self.name) if found else None
