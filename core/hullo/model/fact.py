"""A stored value and where it came from."""

from __future__ import annotations

from typing import Final

import msgspec

from hullo.model.instant import Instant
from hullo.model.standing import Standing

Scalar = str | int | float | bool


TOKEN_WRITER_PREFIX: Final = "token:"


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One identifier, profile value or custom value with its provenance.

    A msgspec struct and not a dataclass as its neighbours are: a contact may hold 250 custom values, and stores
    read and write each block of them as one JSON text, `[value, standing, at, by]` a value.
    """

    value: Scalar
    standing: Standing
    at: Instant
    by: str
    """Who wrote it: `visitor:<id>`, `identity-key:<id>`, `token:<id>` of the key that signed a token which says so,
    `api-key:<id>`, or a plugin's or import's own word."""

    @property
    def is_signed(self) -> bool:
        """Whether a token says so that the site signed: no less than this value is vouched for (V5)."""
        return self.standing is Standing.PROVEN and self.by.startswith(TOKEN_WRITER_PREFIX)


def is_blank(fact: Fact | None) -> bool:
    """True where any standing may write: nothing stored, or an empty text (W4)."""
    return fact is None or fact.value == ""


def is_same_value(fact: Fact | None, value: Scalar) -> bool:
    """True when writing `value` would change nothing. `1`, `1.0` and `true` are three values, as in JSON."""
    return fact is not None and type(fact.value) is type(value) and fact.value == value
