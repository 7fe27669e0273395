"""What would be written, and what a policy refuses of it."""

from __future__ import annotations

from hullo.model.claim import CUSTOM_DATA, PROFILE_FIELDS
from hullo.model.fact import Fact, Scalar
from hullo.model.standing import Standing
from hullo.value import Value


class Write(Value):
    """One value that a claim would write; `value` None clears.

    `standing` is what the value would be stored with. It may be lower than the session's: an identifier that no
    proof covers is a mere claim, whatever was proven beside it (V2).
    """

    field: str
    """A profile field, an identifier's kind, or `custom_data.<key>`."""
    kind: str
    """`identifier`, `profile` or `custom_data`."""
    value: Scalar | None
    standing: Standing
    stored: Fact | None
    """What is there now; None when blank."""
    signed: bool = True
    """Whether this very call vouches for it, and not only the standing that its session has from an earlier one."""
    app_id: str | None = None
    """Whose custom data; None for what is the person's own."""


class Refusal(Value):
    """A policy's no to one write, with a reason that an agent will read."""

    field: str
    reason: str


def identifier_field(kind: str) -> str:
    """How an identifier is called in verdicts: by its kind, where no profile field is called the same."""
    return f"identifier.{kind}" if kind in PROFILE_FIELDS else kind


def custom_field(key: str) -> str:
    """How a custom key is called in verdicts."""
    return f"{CUSTOM_DATA}.{key}"
