"""Rate limits of requests, with a window for each key."""

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
from hullo.ratelimit.throttled_log import ThrottledLog
from hullo.ratelimit.windows import LocalWindows, Slot

ThreadRunner = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function that waits for another system in a thread."""

# Compared by identity: the slot of a limit that is off belongs to no window.
UNLIMITED: Final = Slot(key="", ends_at=0)

_log = logging.getLogger("hullo.rates")


class RateLimit:
    """Allow `per_minute` requests a minute for each key. None: no limit."""

    def __init__(
        self,
        name: str,
        per_minute: int | None,
        clock: Clock,
        shared: RedisWindows | None,
        run_in_thread: ThreadRunner,
        log: ThrottledLog,
        setting: str,
    ) -> None:
        self._name = name
        self._log = log
        self._setting = setting
        self._per_minute = per_minute
        self._local = LocalWindows(clock)
        self._shared = shared
        self._run_in_thread = run_in_thread

    async def acquire(self, key: str, digest: bytes = b"") -> Slot:
        """Ask for a slot in the window of a key. Redis is asked first, where there is one; otherwise nothing waits."""
        if self._per_minute is None:
            return UNLIMITED
        if self._shared is not None and self._shared.is_available:
            # The limit's name keeps windows apart: all limits share one Redis, and may share a key.
            ask = partial(self._shared.acquire, f"{self._name}:{key}", self._per_minute, digest)
            slot: Slot | None = await self._run_in_thread(ask)
            # None: Redis did not answer. A limit of this process alone is better than none, and than a refusal.
            if slot is not None:
                return slot
        return self._local.acquire(key, self._per_minute, digest)

    async def release(self, slot: Slot) -> None:
        """Give a slot back, as if it had never been taken. Does nothing for a slot that was refused."""
        if not slot.is_taken or slot is UNLIMITED:
            return
        # Where it was taken, even if Redis has gone or come back since.
        if not slot.in_redis:
            self._local.release(slot)
        # While Redis is away the slot stays taken, until its window ends within a minute.
        elif self._shared is not None and self._shared.is_available:
            await self._run_in_thread(partial(self._shared.release, slot))

    async def transfer(self, slot: Slot, key: str) -> None:
        """Let another key share the window of a slot, with all that is taken in it."""
        if slot is UNLIMITED:
            return
        if not slot.in_redis:
            self._local.transfer(slot, key)
        elif self._shared is not None and self._shared.is_available:
            await self._run_in_thread(partial(self._shared.transfer, slot, f"{self._name}:{key}"))

    def error_for(self, slot: Slot) -> RateLimited:
        """Make the error for a slot that was refused, and log the first of a minute."""
        self._log.warn(
            _log,
            "limit",
            self._name,
            "calls are refused with 429: there are over %s %s within a minute; %s under [rate_limits] sets the limit",
            self._per_minute,
            self._name,
            self._setting,
        )
        # The limit's name and not the key, which holds an address or a session (P4).
        return RateLimited(f"too many {self._name} within a minute; try again later", slot.retry_after or 0)


class RateLimiter:
    """All limits of one server. Raises `SettingsError` when the settings name a Redis that cannot be used."""

    def __init__(self, hullo: Hullo, run_in_thread: ThreadRunner, log: ThrottledLog) -> None:
        limits, clock = hullo.settings.rate_limits, hullo.clock
        # With the limits off no connection is made, even where the settings name a Redis.
        self._shared = RedisWindows(hullo.settings.redis, clock) if limits.on and hullo.settings.redis else None

        def limit(name: str, setting: str) -> RateLimit:
            per_minute: int | None = getattr(limits, setting) if limits.on else None
            return RateLimit(name, per_minute, clock, self._shared, run_in_thread, log, setting)

        self._calls = limit("calls from this address", "calls_per_address")
        self.new_sessions = limit("new sessions from this address", "sessions_per_address")
        """Keyed by address (`rate_limit_key`)."""
        self.identify_calls = limit("identify calls in this session", "identifies_per_session")
        """Keyed by the session's digest."""
        self.messages = limit("messages in this session", "messages_per_session")
        """Keyed by the session's digest."""
        self.new_contacts = limit("identify calls for new people from this address", "contacts_per_address")
        """Keyed by address (`rate_limit_key`)."""
        self.origins = OriginCache(clock)
        self._log = log

    async def count_call(self, address: str, untrusted_forwarding: bool = False) -> None:
        """Count a request against its address. Raises `RateLimited` when there were too many.

        `untrusted_forwarding`: the request has X-Forwarded-For, but did not come from a listed proxy.
        """
        # By the /64 and not the address: one IPv6 subscriber has 2^64 of them to call from.
        slot = await self._calls.acquire(rate_limit_key(address))
        if slot.is_taken:
            return
        # Behind an unlisted proxy all visitors share one address, and one limit.
        if untrusted_forwarding:
            self._log.warn(
                _log,
                "forwarding",
                "",
                "calls are refused since too many come from one address. They hold X-Forwarded-For, which is believed "
                "of listed proxies only: if a proxy stands in front of this server, list it in trusted_proxies",
            )
        raise self._calls.error_for(slot)

    def close(self) -> None:
        """Close the connections to Redis, if there are any."""
        if self._shared is not None:
            self._shared.close()
