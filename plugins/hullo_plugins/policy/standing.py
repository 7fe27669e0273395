"""Who may replace what (W2, W4, W5, W7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.hooks.specs import hookimpl
from hullo.hooks.writes import Refusal, Write
from hullo.model.fact import Fact, blank
from hullo.model.standing import Standing


class StandingPolicy:
    """A claim fills blanks; the visitor who made a contact may correct it; a proof may replace anything."""

    name: ClassVar = "standing"

    @hookimpl
    def review_writes(self, standing: Standing, writes: Sequence[Write]) -> Sequence[Refusal]:
        judge = {"profile": _profile, "custom_data": _custom_data, "identifier": _identifier}
        verdicts = ((write.field, judge[write.kind](write, standing)) for write in writes)
        return [Refusal(field=field, reason=reason) for field, reason in verdicts if reason is not None]


def _profile(write: Write, standing: Standing) -> str | None:
    stored = write.stored
    if write.value is None and standing is Standing.CLAIMED:
        return "a claim does not clear a profile field (W5)"
    if stored is not None and stored.standing is Standing.PROVEN and standing is not Standing.PROVEN:
        return "a proven value is replaced by proven ones only (W2)"
    return None


def _custom_data(write: Write, standing: Standing) -> str | None:
    stored = write.stored
    if blank(stored) or standing is Standing.PROVEN:
        return None
    if standing is Standing.CLAIMED:
        return "a claim only fills blanks (W4)"
    if _standing_of(stored) is Standing.PROVEN:
        return "a proven value is replaced by proven ones only (W4)"
    return None


def _identifier(write: Write, standing: Standing) -> str | None:
    stored = write.stored
    if stored is None or stored.standing < write.standing or write.standing is Standing.PROVEN:
        return None
    if stored.standing is Standing.PROVEN:
        return "a proven identifier is replaced by a proven one only (W7)"
    if standing is Standing.CLAIMED:
        return "a claim does not replace an identifier (W7)"
    return None


def _standing_of(stored: Fact | None) -> Standing:
    return stored.standing if stored is not None else Standing.CLAIMED
