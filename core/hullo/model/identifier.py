"""What names a person: an external id, an email, or any kind that a plugin brings."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final

import msgspec

from hullo.model.email import email_key
from hullo.value import Value

EXTERNAL_ID: Final = "external_id"
EMAIL: Final = "email"

IdentifierDigest = str

MAX_IDENTIFIER_LENGTH: Final = 255

NON_IDENTITIES: Final[frozenset[str]] = frozenset(
    {"null", "undefined", "none", "nan", "anonymous", "guest", "0", "-1", "[object object]", "true", "false"}
)
"""What broken pages send for "nobody" (M5), case-folded. Settings may replace the list."""


class Identifier(Value, kw_only=False):
    """One name of a person, of one kind: `Identifier("loyalty_card", "4711")`.

    `kind` is open; `external_id` and `email` are the built-in ones. `value` is kept as given: two values are the
    same identifier when their `key` is. A number is taken as its text, so that a card sent as `4711` and one
    sent as `"4711"` are the same card; true and false are taken as theirs, which names nobody (M5). So a matcher
    may hand on any custom value as it came.

    Raises `TypeError` for a value that is no scalar.
    """

    kind: str
    value: str

    def __post_init__(self) -> None:
        value: Any = self.value
        if isinstance(value, (int, float)):
            msgspec.structs.force_setattr(self, "value", str(value))
        elif not isinstance(value, str):
            raise TypeError(f"an identifier is text or a number, not {type(value).__name__}")
        if not self.kind:
            raise ValueError("an identifier needs a kind, such as 'loyalty_card'")

    @property
    def key(self) -> str:
        """What is compared: an email's folded form (M2), anything else exactly (M1)."""
        return email_key(self.value) if self.kind == EMAIL else self.value

    def digest(self, workspace_id: str) -> IdentifierDigest:
        """SHA-256 over workspace, kind and key: what stores keep unique.

        A digest, as databases disagree about which texts are equal: to some collations `Ann`, `ann` and `ann `
        are one, and so are all emoji.
        """
        return sha256(f"{workspace_id}\0{self.kind}\0{self.key}".encode()).hexdigest()


def is_non_identity(text: str, non_identities: Collection[str] = NON_IDENTITIES) -> bool:
    """True for blanks and known non-identities (M5): all zeros in any grouping, `null`, `[object Object]`, …"""
    # Invisible characters (category Cf) are no name either.
    visible = text if text.isascii() else "".join(each for each in text if unicodedata.category(each) != "Cf")
    bare = visible.strip().casefold()
    return not bare or bare in non_identities or not bare.strip("0-")
