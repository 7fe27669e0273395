"""A plugin for hullo: people are found by their loyalty card, before external id and email are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo import Candidates, Claim, Identifier, Match, hookimpl

KIND = "loyalty_card"
"""Under which contacts own their cards. Not a setting: another kind would no longer find those that are stored."""


class ByLoyaltyCard:
    """Matches by the card's number, exactly, inside the workspace.

    `key` names the custom data that holds the card. With a `prefix`, what does not begin with it is no card.
    """

    name: ClassVar = "loyalty-card"

    def __init__(self, *, key: str = "loyalty_card", prefix: str = "") -> None:
        self._key = key
        self._prefix = prefix

    @hookimpl
    def name_identifiers(self, claim: Claim) -> Sequence[Identifier]:
        card = self._card(claim)
        return [Identifier(KIND, card)] if card is not None else []

    @hookimpl
    def match_contact(self, candidates: Candidates) -> Match | None:
        found = candidates.by(KIND)
        return Match(contact=found, by=self.name) if found is not None else None

    def _card(self, claim: Claim) -> str | None:
        value = claim.custom_data.get(self._key)
        # `True` is an integer to Python, and 4711.0 has lost whatever it was printed with.
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            return None
        card = str(value).strip()
        # Blanks and the likes of "null" and "0000" are left out by hullo itself (M5).
        return card if card.startswith(self._prefix) and card != self._prefix else None
