"""Leases among processes whose clocks differ."""

from __future__ import annotations

from hullo.model.instant import Instant


def max_plausible_lease(now: Instant, until: Instant) -> Instant:
    """Return the latest end that a lease may plausibly have.

    A later one was written by a clock far ahead, and counts as free: if such a process died, it would block all others
    until their clocks caught up.
    """
    return until + (until - now)
