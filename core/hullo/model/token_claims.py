"""Contents of a token that carries a session's identity to another site (rules T)."""

from __future__ import annotations

from typing import Final

from hullo.model.instant import MINUTE
from hullo.model.proof import SingleUseToken
from hullo.model.standing import Standing
from hullo.model.visitor import SessionDigest
from hullo.value import Value

MAX_HOP_LIFETIME: Final = 5 * MINUTE
"""Longest lifetime of a hop token (T1)."""


class TokenClaims(Value):
    """Session whose identity is carried, and the highest standing it may give.

    The contact itself is not in the token: it is looked up through the session while that is valid. So a token reveals
    nothing about a person, and a reset invalidates earlier tokens (T1).
    """

    by: str
    """Name of the plugin that read the token."""
    session: SessionDigest
    standing: Standing
    single_use_token: SingleUseToken
    is_linked: bool = True
    """False: the session that the token makes does not end with the one that it came from (S5)."""
