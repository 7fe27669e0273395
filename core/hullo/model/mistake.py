"""Diagnosis of refused evidence, for the site's own developer (V8)."""

from __future__ import annotations

from typing import Final

from hullo.value import Value

UNRECOGNISED: Final = "unrecognised"
"""Code of a fault that matches no known mistake; its text names what to check."""


class Mistake(Value):
    """One recognised mistake. Browsers never see it (V7), and it never holds a secret."""

    field: str
    """The wrong evidence, such as `user_hash`."""
    code: str
    """Stable short name, such as `key_decoded_from_hex`."""
    says: str
    """What the site does, and what to do instead."""
