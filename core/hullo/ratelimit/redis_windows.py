"""Counting windows in Redis, shared by several processes. Synchronous: call it in a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from hullo.model.instant import MINUTE, SECOND, Instant
from hullo.model.request_context import Clock
from hullo.ratelimit.windows import Slot, whole_seconds
from hullo.redis_client import open_redis_client
from hullo.store.urls import mask_secrets

PREFIX: Final = "hullo:rate:"
TIMEOUT: Final = 0.25
"""Seconds for which Redis may delay a request."""
RETRY_PAUSE: Final[Instant] = 5 * SECOND
"""How long Redis is left alone after it did not answer."""
_MILLISECOND: Final[Instant] = SECOND // 1000

_log = logging.getLogger("hullo.rates")

# A window is a hash with a time to live. It ends by the clock of Redis, which is the one that all processes share.
# Redis runs a script as one step, so two processes cannot both take the last slot.
_ACQUIRE_SCRIPT: Final = """
local window = redis.call('HMGET', KEYS[1], 'taken', 'said')
local left = redis.call('PTTL', KEYS[1])
if left < 1 then
  redis.call('DEL', KEYS[1])
  window, left = {}, tonumber(ARGV[2])
end
local taken = tonumber(window[1] or 0)
local repeated = (ARGV[3] ~= '' and window[2] == ARGV[3]) and 1 or 0
if taken >= tonumber(ARGV[1]) then
  return {0, left, repeated}
end
redis.call('HSET', KEYS[1], 'taken', taken + 1, 'said', ARGV[3])
if taken == 0 then
  redis.call('PEXPIRE', KEYS[1], left)
end
return {1, left, repeated}
"""
# Never below zero: the window may have ended, and counting down from nothing would make a key that never expires.
_RELEASE_SCRIPT: Final = """
if tonumber(redis.call('HGET', KEYS[1], 'taken') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], 'taken', -1)
end
"""
# A window that has ended meanwhile gives no copy: the copy would never expire.
_TRANSFER_SCRIPT: Final = """
local window = redis.call('HMGET', KEYS[1], 'taken', 'said')
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('HSET', KEYS[2], 'taken', window[1], 'said', window[2])
  redis.call('PEXPIRE', KEYS[2], left)
end
"""


class RedisWindows:
    """Count in the Redis at `url`. Never raises when Redis does not answer, and then leaves it alone for a while.

    Connects with the first request. Raises `SettingsError` for a URL that no Redis could have, and without the
    package `redis`. Safe to use from several threads.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        # Two attempts, without a pause: an idle connection may have been closed.
        client = open_redis_client(url, connect_timeout=TIMEOUT, response_timeout=TIMEOUT, attempts=2)
        import redis  # is installed, as `open_redis_client` has not raised

        self._shown_url = mask_secrets(url)
        self._client = client
        self._clock = clock
        # Registered once: each call then sends the digest of the script and not its text.
        self._acquire_script: Callable[..., Any] = client.register_script(_ACQUIRE_SCRIPT)
        self._release_script: Callable[..., Any] = client.register_script(_RELEASE_SCRIPT)
        self._transfer_script: Callable[..., Any] = client.register_script(_TRANSFER_SCRIPT)
        self._failures = (redis.RedisError, OSError)
        # Guards changes of the two times below: one thread alone tries a Redis that was away, and one alone logs.
        self._lock = threading.Lock()
        self._failed_at: Instant | None = None
        self._warned_at: Instant | None = None

    @property
    def is_available(self) -> bool:
        """Whether Redis answered last time, or has been left alone for long enough since."""
        # Read once: another thread may set it to None between two reads.
        failed_at = self._failed_at
        return failed_at is None or not self._is_within(failed_at, RETRY_PAUSE)

    def acquire(self, key: str, limit: int, digest: bytes = b"") -> Slot | None:
        """See `LocalWindows.acquire`. None: Redis did not answer."""
        asked_at = self._clock()
        reply = self._run_script(self._acquire_script, [_redis_key(key)], [limit, MINUTE // _MILLISECOND, digest])
        if reply is None:
            return None
        taken, left, repeated = reply
        # From the time before the request, so that the window ends a little early by this clock, never late.
        ends_at = asked_at + left * _MILLISECOND
        wait = None if taken else whole_seconds(left * _MILLISECOND)
        return Slot(key, ends_at, wait, is_repeat=bool(repeated), in_redis=True)

    def release(self, slot: Slot) -> None:
        """See `LocalWindows.release`. The slot stays taken when Redis does not answer."""
        # After the end of the window there is nothing to give back, and no reason to ask Redis.
        if self._clock() < slot.ends_at:
            self._run_script(self._release_script, [_redis_key(slot.key)])

    def transfer(self, slot: Slot, key: str) -> None:
        """See `LocalWindows.transfer`. The other key gets a copy of the window, as full and as old."""
        if self._clock() < slot.ends_at:
            self._run_script(self._transfer_script, [_redis_key(slot.key), _redis_key(key)])

    def close(self) -> None:
        """Close the connections. A later request opens new ones."""
        self._client.close()

    def _run_script(self, script: Callable[..., Any], keys: list[str], arguments: list[object] | None = None) -> Any:
        """Run a script. None: Redis did not answer, or is left alone."""
        with self._lock:
            # Asked again under the lock: another thread may have failed, or begun a new try, since the caller asked.
            if not self.is_available:
                return None
            if self._failed_at is not None:
                # This thread tries Redis again. For the others it is still away, so that they do not all wait for it.
                self._failed_at = self._clock()
        try:
            # Without the lock: requests must not wait for each other here.
            reply = script(keys=keys, args=arguments or [])
        except self._failures as error:
            self._record_failure(error)
            return None
        with self._lock:
            self._failed_at = None
        return reply

    def _record_failure(self, error: Exception) -> None:
        with self._lock:
            now = self._failed_at = self._clock()
            # Once a minute: every call of a busy server fails while Redis is away.
            if self._warned_at is not None and self._is_within(self._warned_at, MINUTE):
                return
            self._warned_at = now
        # Outside of the lock: a log handler may block, and calls wait for the lock.
        _log.warning(
            "the rate limits are counted by each process for itself, since Redis at %s does not answer: %s",
            self._shown_url,
            type(error).__name__,
        )

    def _is_within(self, then: Instant, span: Instant) -> bool:
        return 0 <= self._clock() - then < span  # 0 <=: the clock may have been set back


def _redis_key(key: str) -> str:
    """Hash a key, so that Redis holds neither addresses nor sessions (P4)."""
    return PREFIX + blake2b(key.encode(), digest_size=16, person=b"hullo-rate").hexdigest()
