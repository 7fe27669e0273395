"""When a delivery is tried again, and when it is given up."""

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
"""After each try that failed: three days in all."""
MAX_QUEUE_AGE: Final[Instant] = 3 * DAY
"""One that has waited for so long behind others of its contact gets a single try: an endpoint that stays away would
never be done with otherwise."""
JITTER: Final = 0.1
"""By which part of itself a pause may be shorter or longer: what failed together is not to come back together."""


def after_attempt(delivery: Delivery, attempt: Attempt, now: Instant, random_fraction: float) -> Delivery:
    """The delivery after that try. `chance` is between 0 and 1, and says how long the pause is."""
    tries = delivery.tries + 1
    tried = replace(delivery, tries=tries, last_at=now, last_status=attempt.status, last_error=attempt.reason)
    if attempt.reason is None:
        return replace(tried, state="delivered")
    if not attempt.is_retryable:
        return replace(tried, state="failed")
    if tries > len(RETRY_DELAYS) or (delivery.tries == 0 and now - delivery.created_at > MAX_QUEUE_AGE):
        return replace(tried, state="failed", last_error=f"{attempt.reason}; given up after {tries} tries")
    pause = round(RETRY_DELAYS[tries - 1] * (1 - JITTER + 2 * JITTER * random_fraction))
    return replace(tried, next_at=now + max(pause, attempt.retry_after * SECOND))
