"""When a delivery is attempted again, and when it fails for good."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from hullo.model.instant import DAY, HOUR, MINUTE, SECOND, Instant
from hullo.model.webhook import Delivery
from hullo.webhooks.sender import Attempt

RETRY_DELAYS: Final[tuple[Instant, ...]] = (
    5 * SECOND,
    1 * MINUTE,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    20 * HOUR,
)
"""The pause after each failed attempt: three days in all."""
MAX_QUEUE_AGE: Final[Instant] = 3 * DAY
"""A delivery that waited this long behind others of its contact gets one attempt. Else the queue of a dead endpoint
would never end: each delivery in it would take three days more."""
JITTER: Final = 0.1
"""The part by which a pause varies, so that deliveries that failed together do not come back together."""


def after_attempt(delivery: Delivery, attempt: Attempt, now: Instant, random_fraction: float) -> Delivery:
    """Give the delivery after an attempt. `random_fraction`, from 0 to 1, sets the jitter of the pause."""
    tries = delivery.tries + 1
    tried = replace(delivery, tries=tries, last_at=now, last_status=attempt.status, last_error=attempt.reason)
    # The reason decides, not the status: only an attempt without a fault was delivered.
    if attempt.reason is None:
        return replace(tried, state="delivered")
    if not attempt.is_retryable:
        return replace(tried, state="failed")
    # `tries == 0`: the age counts only for a delivery that waited for its first attempt, not for its retries.
    if tries > len(RETRY_DELAYS) or (delivery.tries == 0 and now - delivery.created_at > MAX_QUEUE_AGE):
        return replace(tried, state="failed", last_error=f"{attempt.reason}; given up after {tries} tries")
    pause = round(RETRY_DELAYS[tries - 1] * (1 - JITTER + 2 * JITTER * random_fraction))
    # A receiver may ask for more time (`Retry-After`), never for less: it must not be flooded by its own mistake.
    return replace(tried, next_at=now + max(pause, attempt.retry_after * SECOND))
