"""Identifiers of people: external ids, emails, and kinds that plugins add."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import Any, Final

import msgspec

from hullo.model.email import email_key
from hullo.model.invisible import drop_invisible, has_blank_end
from hullo.model.placeholder import PLAIN, is_non_identity, is_placeholder_email
from hullo.value import Value

EXTERNAL_ID: Final = "external_id"
EMAIL: Final = "email"

IdentifierDigest = str

MAX_IDENTIFIER_LENGTH: Final = 255


class Identifier(Value, kw_only=False):
    """Identifier of a person, of one kind: `Identifier("loyalty_card", "4711")`.

    `kind` is open; `external_id` and `email` are built in. `value` is stored as given: two identifiers are the same
    when their `key` is. A number becomes its text, so that `4711` and `"4711"` are the same card; true and false become
    text that identifies no person (M5). So a matcher may pass any custom value unchanged.

    Raises `TypeError` for a value that is no scalar, `ValueError` without a kind.
    """

    kind: str
    value: str

    def __post_init__(self) -> None:
        value: Any = self.value
        # Frozen structs have no assignment: this is the way that msgspec offers in `__post_init__`.
        if isinstance(value, (int, float)):
            msgspec.structs.force_setattr(self, "value", str(value))
        elif not isinstance(value, str):
            raise TypeError(f"an identifier is text or a number, not {type(value).__name__}")
        if not self.kind:
            raise ValueError("an identifier needs a kind, such as 'loyalty_card'")

    @property
    def key(self) -> str:
        """Return the text to compare: an email's match key (M2), any other value exactly (M1)."""
        return email_key(self.value) if self.kind == EMAIL else self.value

    def digest(self, workspace_id: str) -> IdentifierDigest:
        """Hash workspace, kind and key with SHA-256: the value that stores keep unique.

        Databases disagree about equal texts: in some collations `Ann`, `ann` and `ann ` are equal, and so are all
        emoji.
        """
        # NUL separates: a claim holds no control characters, so two triples never give one text.
        return sha256(f"{workspace_id}\0{self.kind}\0{self.key}".encode()).hexdigest()


def identifier_fault(kind: str, text: str, non_identities: AbstractSet[str]) -> str | None:
    """Find why a text identifies no person, or none for certain (M5). None for a usable identifier."""
    # An identify that changes nothing comes through here twice for each identifier, and nearly all of them are plain.
    bare = text.lower()
    if PLAIN.fullmatch(bare):
        local, _, domain = bare.partition("@")
        if non_identities.isdisjoint((bare, local, domain)):
            return None
    if (is_placeholder_email if kind == EMAIL else is_non_identity)(text, non_identities):
        return "is a placeholder, not an identifier" if drop_invisible(text).strip() else "is empty"
    # M1 compares exactly, so `x` and `x ` would silently be two people. An email is trimmed by its key.
    if kind != EMAIL and has_blank_end(text):
        return "begins or ends with white space or an invisible character"
    return None
