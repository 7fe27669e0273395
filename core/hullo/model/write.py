"""Writes that a claim proposes, and refusals of policies."""

from __future__ import annotations

from hullo.model.claim import CUSTOM_DATA, PROFILE_FIELDS
from hullo.model.fact import Fact, Scalar
from hullo.model.standing import Standing
from hullo.value import Value


class Write(Value):
    """One value that a claim would write; `value` None clears.

    `standing` is stored with the value. It may be lower than the session's: an identifier that no proof covers is only
    claimed, even if another identifier of the call is proven (V2).
    """

    field: str
    """A profile field, an identifier's kind, or `custom_data.<key>`."""
    kind: str
    """`identifier`, `profile` or `custom_data`."""
    value: Scalar | None
    standing: Standing
    stored: Fact | None
    """The stored fact; None when blank."""
    signed: bool = True
    """Whether this call proves the value; False when only the session's standing from an earlier call supports it."""
    app_id: str | None = None
    """App of the custom data; None for identifiers and profile fields."""
    is_protected: bool = False
    """True where the app protects the field, and a page says the value, perhaps beside a hash, not the site itself
    (W12)."""


class Refusal(Value):
    """Refusal of one write by a policy, with a reason that agents read."""

    field: str
    reason: str


def identifier_field(kind: str) -> str:
    """Return the field name of an identifier in verdicts: its kind, unless a profile field has the same name."""
    return f"identifier.{kind}" if kind in PROFILE_FIELDS else kind


def custom_field(key: str) -> str:
    """Return the field name of a custom key in verdicts."""
    return f"{CUSTOM_DATA}.{key}"
