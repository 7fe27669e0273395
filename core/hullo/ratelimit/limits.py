"""The limits of one edge, each with its windows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from hullo.application import Hullo
from hullo.asgi.address import rate_limit_key
from hullo.errors import RateLimited
from hullo.model.request_context import Clock
from hullo.ratelimit.origin_cache import OriginCache
from hullo.ratelimit.redis_windows import RedisWindows
from hullo.ratelimit.windows import LocalWindows, Slot

ThreadRunner = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Calls a function that waits for another system, in a thread."""

_UNLIMITED: Final = Slot(key="", ends_at=0)

_log = logging.getLogger("hullo.rates")


class RateLimit:
    """So many a minute for each key; `per_minute` None is no limit at all."""

    def __init__(
        self,
        name: str,
        per_minute: int | None,
        clock: Clock,
        shared: RedisWindows | None,
        run_in_thread: ThreadRunner,
    ) -> None:
        self._name = name
        self._per_minute = per_minute
        self._local = LocalWindows(clock)
        self._shared = shared
        self._run_in_thread = run_in_thread

    async def acquire(self, key: str, digest: bytes = b"") -> Slot:
        """A place for this key, if there is one. Waits for nothing unless there is a Redis, which is asked first."""
        if self._per_minute is None:
            return _UNLIMITED
        if self._shared is not None and self._shared.is_available:
            ask = partial(self._shared.acquire, f"{self._name}:{key}", self._per_minute, digest)
            place: Slot | None = await self._run_in_thread(ask)
            if place is not None:
                return place
        return self._local.acquire(key, self._per_minute, digest)

    async def release(self, slot: Slot) -> None:
        """As if it had never been taken; one that was not had: nothing."""
        if not slot.is_taken or slot is _UNLIMITED:
            return
        if not slot.in_redis:
            self._local.release(slot)
        elif self._shared is not None and self._shared.is_available:
            await self._run_in_thread(partial(self._shared.release, slot))

    async def transfer(self, slot: Slot, key: str) -> None:
        """The other key goes on with what is taken in the window of this place."""
        if slot is _UNLIMITED:
            return
        if not slot.in_redis:
            self._local.transfer(slot, key)
        elif self._shared is not None and self._shared.is_available:
            await self._run_in_thread(partial(self._shared.transfer, slot, f"{self._name}:{key}"))

    def error_for(self, slot: Slot) -> RateLimited:
        """For a place that was not to be had."""
        return RateLimited(f"too many {self._name} within a minute; try again later", slot.retry_after or 0)


class RateLimiter:
    """What callers may still do. Raises `SettingsError` when they are to be counted in Redis and cannot be."""

    def __init__(self, hullo: Hullo, run_in_thread: ThreadRunner) -> None:
        limits, clock = hullo.settings.rate_limits, hullo.clock
        self._shared = RedisWindows(hullo.settings.redis, clock) if limits.on and hullo.settings.redis else None

        def limit(what: str, per_minute: int) -> RateLimit:
            return RateLimit(what, per_minute if limits.on else None, clock, self._shared, run_in_thread)

        self._calls = limit("calls from this address", limits.calls_per_address)
        self.new_sessions = limit("new sessions from this address", limits.sessions_per_address)
        """By the address that is counted (`counted_as`)."""
        self.identify_calls = limit("identify calls in this session", limits.identifies_per_session)
        """By the session's digest."""
        self.origins = OriginCache(clock)
        self._proxy_hint_logged = False

    async def count_call(self, address: str, untrusted_forwarding: bool = False) -> None:
        """Counts a call against its address. Raises `RateLimited` when there were too many.

        `unheard`: the call says that it was forwarded, by somebody who is not listed as a proxy.
        """
        place = await self._calls.acquire(rate_limit_key(address))
        if place.is_taken:
            return
        if untrusted_forwarding and not self._proxy_hint_logged:
            self._proxy_hint_logged = True
            _log.warning(
                "calls are refused since too many come from one address. They hold X-Forwarded-For, which is believed "
                "of listed proxies only: if a proxy stands in front of this server, list it in trusted_proxies"
            )
        raise self._calls.error_for(place)

    def close(self) -> None:
        """Closes the connections to Redis, if there are any."""
        if self._shared is not None:
            self._shared.close()
