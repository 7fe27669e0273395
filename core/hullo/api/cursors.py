"""Cursors of lists: where the next page begins, and of which list."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final

# A multiple of three bytes, so that Base64 keeps checksum and position apart.
_CHECKSUM_BYTES: Final = 9


def encode_cursor(list_name: str, position: str) -> str:
    """Make the cursor of a position in a list. It holds no character that an address would have to escape."""
    text = position.encode()
    # No key: a caller who makes up a cursor reaches no other rows than those that the list shows anyway.
    checksum = blake2b(list_name.encode() + b"\0" + text, digest_size=_CHECKSUM_BYTES).digest()
    return urlsafe_b64encode(checksum + text).decode().rstrip("=")


def decode_cursor(list_name: str, cursor: str) -> str:
    """Return the position. Raises `ValueError` for a cursor of another list, or one that was cut or changed."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        position = urlsafe_b64decode(padded)[_CHECKSUM_BYTES:].decode()
    except ValueError:
        position = ""
    # Compared as text: Base64 has several spellings of the same bytes, and only one of them was ever given out.
    if not position or encode_cursor(list_name, position) != cursor:
        raise ValueError("is no cursor of this list; begin again without it")
    return position
