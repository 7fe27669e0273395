"""Stored values with their provenance."""

from __future__ import annotations

from typing import Final

import msgspec

from hullo.model.instant import Instant
from hullo.model.standing import Standing

Scalar = str | int | float | bool


TOKEN_WRITER_PREFIX: Final = "token:"
KEY_WRITER_PREFIX: Final = "identity-key:"
VISITOR_WRITER_PREFIX: Final = "visitor:"
PAGE_WRITER_PREFIX: Final = "page:"
JOIN_WRITER_PREFIX: Final = "join:"

_VISITOR_PROOFS: Final = (KEY_WRITER_PREFIX, TOKEN_WRITER_PREFIX, VISITOR_WRITER_PREFIX)
"""Writers of identifiers that a visitor proved: the key that signed, or the visitor whom a plugin's proof is about."""


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One identifier, profile value or custom value with its provenance.

    An array-like struct: a contact may hold 250 custom values, and stores read and write each block of them as one JSON
    text, `[value, standing, at, by]` a value.
    """

    value: Scalar
    standing: Standing
    at: Instant
    by: str
    """The writer: `visitor:<id>`, `identity-key:<id>`, `token:<id>` with the id of the key that signed a token with
    this value, `page:<app>` for the email beside a signed id where the app trusts its pages, `join:<merge>` for a value
    of a record that is joined on a claim (J), `api-key:<id>`, or a name that a plugin or import chose."""

    @property
    def is_signed(self) -> bool:
        """Return whether a token of the site states exactly this value (V5)."""
        return self.standing is Standing.PROVEN and self.by.startswith(TOKEN_WRITER_PREFIX)

    @property
    def is_attested(self) -> bool:
        """Return whether a visitor's own proof covered this identifier. A proven one that is not is recorded: only the
        site wrote it."""
        return self.standing is Standing.PROVEN and self.by.startswith(_VISITOR_PROOFS)

    @property
    def joined_by(self) -> str | None:
        """Return the id of the merge that joined this value's record on a claim (J); None for any other value."""
        return self.by.removeprefix(JOIN_WRITER_PREFIX) if self.by.startswith(JOIN_WRITER_PREFIX) else None


def is_blank(fact: Fact | None) -> bool:
    """Return whether any standing may write the field: nothing stored, or an empty text (W4)."""
    # `0` and `false` are values: a plain truth test would let a claim overwrite them (W4).
    return fact is None or fact.value == ""


def is_same_value(fact: Fact | None, value: Scalar) -> bool:
    """Return whether writing `value` would change nothing. `1`, `1.0` and `true` are three values, as in JSON."""
    # Python's `==` takes `1`, `1.0` and `True` for equal.
    return fact is not None and type(fact.value) is type(value) and fact.value == value
