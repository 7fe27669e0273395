"""What the others stand on: a moment, a workspace, an app, a value."""

from __future__ import annotations

from hullo.model.fact import Fact, Scalar
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.standing import Standing

NOW: Instant = 1_764_000_000_000_000
"""A fixed moment in November 2025."""
LATER: Instant = NOW + HOUR
TODAY: Instant = NOW - NOW % DAY
"""Its first moment."""
WORKSPACE = "ws_1"
APP = "app_1"
WRITER = "api-key:hsk_1"


def a_fact(value: Scalar, standing: Standing = Standing.PROVEN, *, at: Instant = NOW, by: str = WRITER) -> Fact:
    """A value that somebody wrote."""
    return Fact(value, standing, at, by)
