"""The same counting windows in Redis, for several processes. Synchronous: whoever asks does it in a thread."""

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
"""Seconds for which Redis may keep a call waiting."""
RETRY_PAUSE: Final[Instant] = 5 * SECOND
"""For how long nobody asks after it did not answer."""
_MILLISECOND: Final[Instant] = SECOND // 1000

_log = logging.getLogger("hullo.rates")

# A window is a hash with a time to live. It ends by the clock of Redis, which is the one that all processes share.
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
_RELEASE_SCRIPT: Final = """
if tonumber(redis.call('HGET', KEYS[1], 'taken') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], 'taken', -1)
end
"""
_TRANSFER_SCRIPT: Final = """
local window = redis.call('HMGET', KEYS[1], 'taken', 'said')
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('HSET', KEYS[2], 'taken', window[1], 'said', window[2])
  redis.call('PEXPIRE', KEYS[2], left)
end
"""


class RedisWindows:
    """Windows in the Redis at `url`. When that does not answer, nobody waits for it twice, and nothing is raised.

    Connects when it is first asked. Raises `SettingsError` for a URL that no Redis could have, and without the
    package that speaks to one.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        # Twice: a connection may have been closed since. It waits for nothing in between.
        client = open_redis_client(url, connect_timeout=TIMEOUT, response_timeout=TIMEOUT, attempts=2)
        import redis  # which is there, as the client is

        self._shown_url = mask_secrets(url)
        self._client = client
        self._clock = clock
        self._acquire_script: Callable[..., Any] = client.register_script(_ACQUIRE_SCRIPT)
        self._release_script: Callable[..., Any] = client.register_script(_RELEASE_SCRIPT)
        self._transfer_script: Callable[..., Any] = client.register_script(_TRANSFER_SCRIPT)
        self._failures = (redis.RedisError, OSError)
        self._lock = threading.Lock()
        self._failed_at: Instant | None = None
        self._warned_at: Instant | None = None

    @property
    def is_available(self) -> bool:
        """Whether it is worth asking: it answered last time, or was given time since it did not."""
        return self._failed_at is None or not self._is_within(self._failed_at, RETRY_PAUSE)

    def acquire(self, key: str, limit: int, digest: bytes = b"") -> Slot | None:
        """As `Windows.take`; None when Redis does not answer."""
        asked_at = self._clock()
        answer = self._run_script(self._acquire_script, [_redis_key(key)], [limit, MINUTE // _MILLISECOND, digest])
        if answer is None:
            return None
        taken, left, repeated = answer
        # The window's end as it looks here: a little early rather than late.
        ends_at = asked_at + left * _MILLISECOND
        wait = None if taken else whole_seconds(left * _MILLISECOND)
        return Slot(key, ends_at, wait, is_repeat=bool(repeated), in_redis=True)

    def release(self, slot: Slot) -> None:
        """As `Windows.give_back`. When Redis does not answer the place stays taken."""
        if self._clock() < slot.ends_at:
            self._run_script(self._release_script, [_redis_key(slot.key)])

    def transfer(self, slot: Slot, key: str) -> None:
        """As `Windows.hand_on`, with a window of its own for the other key, that is as full and as old."""
        if self._clock() < slot.ends_at:
            self._run_script(self._transfer_script, [_redis_key(slot.key), _redis_key(key)])

    def close(self) -> None:
        """Closes the connections; asked again, it opens others."""
        self._client.close()

    def _run_script(self, script: Callable[..., Any], keys: list[str], arguments: list[object] | None = None) -> Any:
        """What the script says; None when there is no answer."""
        with self._lock:
            if not self.is_available:
                return None
            if self._failed_at is not None:
                self._failed_at = self._clock()  # one looks whether it is back, while the others go on without it
        try:
            answer = script(keys=keys, args=arguments or [])
        except self._failures as error:
            self._record_failure(error)
            return None
        self._failed_at = None
        return answer

    def _record_failure(self, error: Exception) -> None:
        with self._lock:
            now = self._failed_at = self._clock()
            if self._warned_at is not None and self._is_within(self._warned_at, MINUTE):
                return
            self._warned_at = now
        _log.warning(
            "the rate limits are counted by each process for itself, since Redis at %s does not answer: %s",
            self._shown_url,
            type(error).__name__,
        )

    def _is_within(self, then: Instant, span: Instant) -> bool:
        return 0 <= self._clock() - then < span  # not so either when the clock was set back


def _redis_key(key: str) -> str:
    """Whoever looks into Redis reads neither addresses nor sessions there."""
    return PREFIX + blake2b(key.encode(), digest_size=16, person=b"hullo-rate").hexdigest()
