"""Points in time, in the form in which every store keeps them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

Instant = int
"""Microseconds since the Unix epoch, UTC. Database engines disagree about aware datetimes; they agree about integers.
"""

SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR

# `re.ASCII`: `\d` would take Arabic digits too.
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def to_instant(aware_datetime: datetime) -> Instant:
    """Convert a datetime. Raises `ValueError` for a naive one, since its time zone would be a guess."""
    if aware_datetime.tzinfo is None:
        raise ValueError("a datetime without a timezone is ambiguous: give it one, such as datetime.UTC")
    # Rounded: the float of a timestamp is off by less than a microsecond.
    return round(aware_datetime.timestamp() * SECOND)


def format_rfc3339(instant: Instant) -> str:
    """Format an instant for the wire: UTC with milliseconds and `Z`."""
    seconds, rest = divmod(instant, SECOND)
    # `isoformat` costs a tenth of `strftime`, and a join formats many times.
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest // 1000:03d}Z"


def format_optional_rfc3339(instant: Instant | None) -> str | None:
    """The wire form; None stays None."""
    return None if instant is None else format_rfc3339(instant)


def parse_rfc3339(text: str) -> Instant:
    """Parse any form of RFC 3339, and none of the other forms of ISO 8601 that Python reads.

    Raises `ValueError`, for a leap second too.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("not a time as in RFC 3339")
    # RFC 3339 allows `t` and `z` in lower case, and in upper case every `fromisoformat` reads them.
    return to_instant(datetime.fromisoformat(text.upper()))
