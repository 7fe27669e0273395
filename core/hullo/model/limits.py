"""Limits on what a caller may send and store (W10)."""

from __future__ import annotations

from msgspec import field

from hullo.model.identifier import MAX_IDENTIFIER_LENGTH
from hullo.model.placeholder import NON_IDENTITIES
from hullo.value import Value


class Limits(Value):
    """Maximum lengths in characters and sizes in bytes. A longer value is rejected, never cut."""

    body_bytes: int = 32 * 1024
    person_body_bytes: int = 128 * 1024
    """Of a body about a person, together with custom data that is too large: that is refused as one field (W8)."""
    custom_keys_per_call: int = 100
    custom_keys: int = 250
    """Per contact and app."""
    custom_key_length: int = 64
    custom_value_length: int = 1024
    external_id_length: int = MAX_IDENTIFIER_LENGTH
    email_length: int = 254
    name_length: int = 255
    company_length: int = 255
    phone_length: int = 32
    url_length: int = 2048
    message_length: int = 8000
    note_length: int = 8000
    emails: int = 20
    """Per contact."""
    phones: int = 20
    tag_length: int = 64
    tags: int = 100
    """Per contact or conversation."""
    event_name_length: int = 255
    event_properties_bytes: int = 16 * 1024
    """As JSON."""
    event_properties_depth: int = 8
    """1: no nesting."""
    token_bytes: int = 8192
    """For signed tokens and hop tokens."""
    signed_attributes: tuple[str, ...] = ("shop",)
    """Fields of a call that may have a hash of their own, `shop` with `shop_hash`, and are stored as custom data (V6).
    """
    non_identities: frozenset[str] = field(default=NON_IDENTITIES)
    """Case-folded words that identify no person (M5)."""

    @property
    def max_body_bytes(self) -> int:
        """Return the size up to which a body about a person is read."""
        return max(self.body_bytes, self.person_body_bytes)
