"""Points in time, as every store keeps them."""

from __future__ import annotations

from datetime import UTC, datetime

Instant = int
"""Microseconds since the Unix epoch, UTC. Engines disagree about aware datetimes; they agree about integers."""

SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR


def instant_of(moment: datetime) -> Instant:
    """`moment` must be aware; a naive one is refused rather than guessed at."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a timezone is ambiguous: give it one, such as datetime.UTC")
    return round(moment.timestamp() * SECOND)


def rfc3339(instant: Instant) -> str:
    """The wire form: UTC with milliseconds and `Z`."""
    seconds, rest = divmod(instant, SECOND)
    whole = datetime.fromtimestamp(seconds, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{rest // 1000:03d}Z"
