"""Refused origins: pages that called and that no list names."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from hullo.model.instant import DAY, HOUR, Instant
from hullo.value import Value

ORIGIN_MAX_LENGTH: Final = 300
OTHER_ORIGINS: Final = ""
"""Stands for all origins beyond the number that is kept apart."""


class RefusedOrigin(Value):
    """Number of calls within an hour that were refused for the origin of their page.

    Added to the stored count of that hour, never compared, and never a conflict. Each write removes expired ones.
    """

    app_id: str
    """Empty for preflights, which name no app."""
    hour: Instant
    """Start of the hour, UTC."""
    origin: str
    calls: int

    @property
    def digest(self) -> str:
        """Return the key of the count: an origin is too long for one."""
        return sha256(f"{self.app_id}\0{self.hour}\0{self.origin}".encode()).hexdigest()

    @property
    def expires_at(self) -> Instant:
        """Return the time until which the count is shown: a day after its hour."""
        return self.hour + HOUR + DAY
