"""What a site's own developer is told about evidence that was refused (V8)."""

from __future__ import annotations

from typing import Final

from hullo.value import Value

UNRECOGNISED: Final = "unrecognised"
"""The code of what is wrong in a way that nobody knows; it says what to look at."""


class Mistake(Value):
    """One mistake that was recognised. Browsers never see it (V7), and it never holds a secret."""

    field: str
    """The evidence that is wrong, such as `user_hash`."""
    code: str
    """A short name that stays the same, such as `key_decoded_from_hex`."""
    says: str
    """What was done, and what to do instead."""
