"""The limits of one edge, each with its windows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from hullo.app import Hullo
from hullo.asgi.address import counted_as
from hullo.asgi.rates.pages import Pages
from hullo.asgi.rates.shared import SharedWindows
from hullo.asgi.rates.windows import Place, Windows
from hullo.errors import RateLimited
from hullo.model.moment import Clock

Elsewhere = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Calls a function that waits for another system, in a thread."""

_FREE: Final = Place(key="", ends_at=0)

_log = logging.getLogger("hullo.rates")


class Limit:
    """So many a minute for each key; `per_minute` None is no limit at all."""

    def __init__(
        self,
        what: str,
        per_minute: int | None,
        clock: Clock,
        shared: SharedWindows | None,
        elsewhere: Elsewhere,
    ) -> None:
        self._what = what
        self._per_minute = per_minute
        self._here = Windows(clock)
        self._shared = shared
        self._elsewhere = elsewhere

    async def take(self, key: str, said: bytes = b"") -> Place:
        """A place for this key, if there is one. Waits for nothing unless there is a Redis, which is asked first."""
        if self._per_minute is None:
            return _FREE
        if self._shared is not None and self._shared.answers:
            ask = partial(self._shared.take, f"{self._what}:{key}", self._per_minute, said)
            place: Place | None = await self._elsewhere(ask)
            if place is not None:
                return place
        return self._here.take(key, self._per_minute, said)

    async def give_back(self, place: Place) -> None:
        """As if it had never been taken; one that was not had: nothing."""
        if not place.taken or place is _FREE:
            return
        if not place.shared:
            self._here.give_back(place)
        elif self._shared is not None and self._shared.answers:
            await self._elsewhere(partial(self._shared.give_back, place))

    async def hand_on(self, place: Place, key: str) -> None:
        """The other key goes on with what is taken in the window of this place."""
        if place is _FREE:
            return
        if not place.shared:
            self._here.hand_on(place, key)
        elif self._shared is not None and self._shared.answers:
            await self._elsewhere(partial(self._shared.hand_on, place, f"{self._what}:{key}"))

    def refusal(self, place: Place) -> RateLimited:
        """For a place that was not to be had."""
        return RateLimited(f"too many {self._what} within a minute; try again later", place.wait or 0)


class Rates:
    """What callers may still do. Raises `SettingsError` when they are to be counted in Redis and cannot be."""

    def __init__(self, hullo: Hullo, elsewhere: Elsewhere) -> None:
        limits, clock = hullo.settings.rate_limits, hullo.clock
        self._shared = SharedWindows(hullo.settings.redis, clock) if limits.on and hullo.settings.redis else None

        def limit(what: str, per_minute: int) -> Limit:
            return Limit(what, per_minute if limits.on else None, clock, self._shared, elsewhere)

        self._calls = limit("calls from this address", limits.calls_per_address)
        self.sessions = limit("new sessions from this address", limits.sessions_per_address)
        """By the address that is counted (`counted_as`)."""
        self.identifies = limit("identify calls in this session", limits.identifies_per_session)
        """By the session's digest."""
        self.pages = Pages(clock)
        self._hinted = False

    async def count_call(self, address: str, unheard: bool = False) -> None:
        """Counts a call against its address. Raises `RateLimited` when there were too many.

        `unheard`: the call says that it was forwarded, by somebody who is not listed as a proxy.
        """
        place = await self._calls.take(counted_as(address))
        if place.taken:
            return
        if unheard and not self._hinted:
            self._hinted = True
            _log.warning(
                "calls are refused since too many come from one address. They hold X-Forwarded-For, which is believed "
                "of listed proxies only: if a proxy stands in front of this server, list it in trusted_proxies"
            )
        raise self._calls.refusal(place)

    def close(self) -> None:
        """Closes the connections to Redis, if there are any."""
        if self._shared is not None:
            self._shared.close()
