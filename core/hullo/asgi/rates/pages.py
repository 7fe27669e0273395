"""Which pages may read that they were refused: remembered, so that a flood of refused calls reaches no store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from hullo.asgi.rates.windows import Windows
from hullo.model.instant import SECOND, Instant
from hullo.model.moment import Clock

REMEMBERED_FOR: Final[Instant] = 10 * SECOND
ROOM: Final = 1_000
ORIGIN_LONGEST: Final = 300
ASKED_A_MINUTE: Final = 60
"""How often the store is asked about pages that nobody remembers; beyond it they are not told why they are refused."""


class Pages:
    """Origins, each with whether any app lists it, as the store said it a moment ago."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked = Windows(clock)
        self._known: OrderedDict[str, tuple[bool, Instant]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    async def listed(self, origin: str, ask: Callable[[], Awaitable[bool]]) -> bool:
        """Whether any app lists it; `ask` says what the store says now."""
        known = self._known.get(origin)
        if known is not None and 0 <= self._clock() - known[1] < REMEMBERED_FOR:
            return known[0]
        if len(origin) > ORIGIN_LONGEST or not self._asked.take("", ASKED_A_MINUTE).taken:
            return False
        listed = await ask()
        self._known.pop(origin, None)
        self._known[origin] = (listed, self._clock())
        while len(self._known) > ROOM:
            self._known.popitem(last=False)
        return listed
