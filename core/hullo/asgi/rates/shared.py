"""The same counting windows in Redis, for several processes. Synchronous: whoever asks does it in a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from hullo.asgi.rates.windows import Place, seconds
from hullo.model.instant import MINUTE, SECOND, Instant
from hullo.model.moment import Clock
from hullo.redis_client import open_redis_client
from hullo.store.urls import without_password

PREFIX: Final = "hullo:rate:"
PATIENCE: Final = 0.25
"""Seconds for which Redis may keep a call waiting."""
PAUSE: Final[Instant] = 5 * SECOND
"""For how long nobody asks after it did not answer."""
_MILLISECOND: Final[Instant] = SECOND // 1000

_log = logging.getLogger("hullo.rates")

# A window is a hash with a time to live. It ends by the clock of Redis, which is the one that all processes share.
_TAKE: Final = """
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
_GIVE_BACK: Final = """
if tonumber(redis.call('HGET', KEYS[1], 'taken') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], 'taken', -1)
end
"""
_HAND_ON: Final = """
local window = redis.call('HMGET', KEYS[1], 'taken', 'said')
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('HSET', KEYS[2], 'taken', window[1], 'said', window[2])
  redis.call('PEXPIRE', KEYS[2], left)
end
"""


class SharedWindows:
    """Windows in the Redis at `url`. When that does not answer, nobody waits for it twice, and nothing is raised.

    Connects when it is first asked. Raises `SettingsError` for a URL that no Redis could have, and without the
    package that speaks to one.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        # Twice: a connection may have been closed since. It waits for nothing in between.
        client = open_redis_client(url, connecting=PATIENCE, answering=PATIENCE, tries=2)
        import redis  # which is there, as the client is

        self._where = without_password(url)
        self._client = client
        self._clock = clock
        self._take: Callable[..., Any] = client.register_script(_TAKE)
        self._give_back: Callable[..., Any] = client.register_script(_GIVE_BACK)
        self._hand_on: Callable[..., Any] = client.register_script(_HAND_ON)
        self._failures = (redis.RedisError, OSError)
        self._lock = threading.Lock()
        self._failed_at: Instant | None = None
        self._warned_at: Instant | None = None

    @property
    def answers(self) -> bool:
        """Whether it is worth asking: it answered last time, or was given time since it did not."""
        return self._failed_at is None or not self._lately(self._failed_at, PAUSE)

    def take(self, key: str, limit: int, said: bytes = b"") -> Place | None:
        """As `Windows.take`; None when Redis does not answer."""
        asked_at = self._clock()
        answer = self._ask(self._take, [_stored(key)], [limit, MINUTE // _MILLISECOND, said])
        if answer is None:
            return None
        taken, left, repeated = answer
        # The window's end as it looks here: a little early rather than late.
        ends_at = asked_at + left * _MILLISECOND
        wait = None if taken else seconds(left * _MILLISECOND)
        return Place(key, ends_at, wait, repeated=bool(repeated), shared=True)

    def give_back(self, place: Place) -> None:
        """As `Windows.give_back`. When Redis does not answer the place stays taken."""
        if self._clock() < place.ends_at:
            self._ask(self._give_back, [_stored(place.key)])

    def hand_on(self, place: Place, key: str) -> None:
        """As `Windows.hand_on`, with a window of its own for the other key, that is as full and as old."""
        if self._clock() < place.ends_at:
            self._ask(self._hand_on, [_stored(place.key), _stored(key)])

    def close(self) -> None:
        """Closes the connections; asked again, it opens others."""
        self._client.close()

    def _ask(self, script: Callable[..., Any], keys: list[str], arguments: list[object] | None = None) -> Any:
        """What the script says; None when there is no answer."""
        with self._lock:
            if not self.answers:
                return None
            if self._failed_at is not None:
                self._failed_at = self._clock()  # one looks whether it is back, while the others go on without it
        try:
            answer = script(keys=keys, args=arguments or [])
        except self._failures as error:
            self._note(error)
            return None
        self._failed_at = None
        return answer

    def _note(self, error: Exception) -> None:
        with self._lock:
            now = self._failed_at = self._clock()
            if self._warned_at is not None and self._lately(self._warned_at, MINUTE):
                return
            self._warned_at = now
        _log.warning(
            "the rate limits are counted by each process for itself, since Redis at %s does not answer: %s",
            self._where,
            type(error).__name__,
        )

    def _lately(self, then: Instant, span: Instant) -> bool:
        return 0 <= self._clock() - then < span  # not so either when the clock was set back


def _stored(key: str) -> str:
    """Whoever looks into Redis reads neither addresses nor sessions there."""
    return PREFIX + blake2b(key.encode(), digest_size=16, person=b"hullo-rate").hexdigest()
