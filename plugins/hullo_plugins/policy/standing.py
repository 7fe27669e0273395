"""Decides by standing which writes may replace a value, and keeps protected keys back (W2, W4, W5, W7, W12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import Fact, Refusal, Standing, Write, hookimpl, is_blank


class StandingPolicy:
    """A claim fills blanks; the visitor who made a contact may correct it; a proof may replace anything but protected
    keys."""

    name: ClassVar = "standing"

    @hookimpl
    def review_writes(self, standing: Standing, writes: Sequence[Write]) -> Sequence[Refusal]:
        verdicts = ((write.field, _refusal_reason(write, standing)) for write in writes)
        return [Refusal(field=field, reason=reason) for field, reason in verdicts if reason is not None]


def _refusal_reason(write: Write, standing: Standing) -> str | None:
    if write.is_protected:
        return "the app protects this key: its site writes it by API key or by a token that states it (W12)"
    if write.stored is not None and write.stored.is_signed and not write.signed:
        # Otherwise a visitor could leave the token out, and replace what it says.
        return "what a signed token says is replaced by signed calls only (V5)"
    if write.kind == "identifier":
        return _identifier_refusal(write, standing)
    return _profile_refusal(write) if write.kind == "profile" else _custom_data_refusal(write)


def _profile_refusal(write: Write) -> str | None:
    stored = write.stored
    if write.value is None and write.standing is Standing.CLAIMED:
        return "a claim does not clear a profile field (W5)"
    if stored is not None and stored.standing is Standing.PROVEN and write.standing is not Standing.PROVEN:
        return "a proven value is replaced by proven ones only (W2)"
    return None


def _custom_data_refusal(write: Write) -> str | None:
    stored = write.stored
    if is_blank(stored) or write.standing is Standing.PROVEN:
        return None
    if write.standing is Standing.CLAIMED:
        return "a claim only fills blanks (W4)"
    if _standing_of(stored) is Standing.PROVEN:
        return "a proven value is replaced by proven ones only (W4)"
    return None


def _identifier_refusal(write: Write, standing: Standing) -> str | None:
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
