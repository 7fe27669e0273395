"""What a token says that carries a session's identity to another site (rules T)."""

from __future__ import annotations

from typing import Final

from hullo.model.instant import MINUTE
from hullo.model.proof import SingleUseToken
from hullo.model.standing import Standing
from hullo.model.visitor import SessionDigest
from hullo.value import Value

MAX_HOP_LIFETIME: Final = 5 * MINUTE
"""The longest that a token for a hop may be good (T1)."""


class TokenClaims(Value):
    """Whose identity is carried, and how far it is believed at most.

    The contact itself is not named: it is the session's, as long as that is good, so that a token says nothing about
    a person, and a reset ends what was made before it (T1).
    """

    by: str
    """The name of the plugin that read the token."""
    session: SessionDigest
    standing: Standing
    single_use_token: SingleUseToken
