"""How a client of Redis is made, for whatever it is used."""

from __future__ import annotations

from typing import Any

from hullo.errors import SettingsError
from hullo.store.urls import mask_secrets


def open_redis_client(
    url: str, *, connect_timeout: float, response_timeout: float, attempts: int, **options: Any
) -> Any:
    """A `redis.Redis` that has not connected yet. It waits so many seconds for a connection and for an answer.

    What fails is tried so often, at once, as its connection may have been closed since. Raises `SettingsError` for a
    URL that no Redis could have, and without the package that speaks to one.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise SettingsError("Redis needs a package: pip install 'hullo[redis]'") from error
    options["socket_timeout"] = response_timeout
    if not url.startswith("unix://"):
        options["socket_connect_timeout"] = connect_timeout
    options["retry"] = Retry(NoBackoff(), attempts - 1, (redis.ConnectionError,))
    try:
        client: Any = redis.Redis.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
        # Otherwise an option that does not exist would be found by the first caller.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        # Their messages quote the URL, which may hold a password.
        raise SettingsError(
            f"redis: {mask_secrets(url)} is no URL that Redis's client understands, such as "
            "redis://localhost:6379/0; signs such as / and @ in a password are written as %2F and %40"
        ) from None
    return client
