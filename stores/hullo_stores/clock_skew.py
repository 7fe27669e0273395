"""Leases among processes whose clocks differ."""

from __future__ import annotations

from hullo.model.instant import Instant


def max_plausible_lease(now: Instant, until: Instant) -> Instant:
    """A lease that lasts longer than this was taken by somebody whose clock is far ahead, and is free: were it not, one
    such process that dies would hold up all others until their clocks have caught up."""
    return until + (until - now)
