"""Redis for tests: the one that is named, else the one that runs here, else one that is started.

`HULLO_TEST_REDIS` may name one, `redis://:password@host:port/0`; with `private` one is started even where one runs.
What tests put into it has a prefix of its own, and is taken out again.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from functools import lru_cache

import redis

from servers.private import PrivateServer, started
from servers.protocol import Unavailable

WHERE = os.environ.get("HULLO_TEST_REDIS", "")
HERE = "redis://127.0.0.1:6379/0"


class PrivateRedis(PrivateServer):
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            raise Unavailable("no Redis is installed that could be started")
        super().__init__(["redis", "nobody"])
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        found = shutil.which("redis-server")
        assert found is not None
        return [found, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder)]

    def connect(self) -> None:
        _ask(self.url)


@lru_cache(maxsize=1)
def redis_url() -> str:
    """Where one answers. Raises `Unavailable`."""
    if WHERE != "private":
        try:
            _ask(WHERE or HERE)
            return WHERE or HERE
        except redis.RedisError as error:
            if WHERE:
                raise Unavailable("the Redis that HULLO_TEST_REDIS names does not answer") from error
    try:
        return started(PrivateRedis()).url
    except Unavailable as reason:
        raise Unavailable(f"no Redis answers at {HERE}: {reason}") from reason


def _ask(url: str) -> None:
    with closing(redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)) as client:
        client.ping()
