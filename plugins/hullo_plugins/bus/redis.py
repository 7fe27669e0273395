"""A bus over Redis, by PUBLISH and SUBSCRIBE."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hullo.redis_client import open_redis_client
from hullo.store.urls import mask_secrets
from hullo_plugins.bus.channel import split_channel
from hullo_plugins.bus.remote_bus import RemoteBus

CHANNEL: Final = "hullo:bus"
SOCKET_TIMEOUT: Final = 5.0
"""Seconds for which Redis may keep a thread of the bus waiting."""
MAX_FRAME_BYTES: Final = 64 * 1024

_KEEPALIVE: Final[Mapping[str, int]] = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""After how many seconds of silence a server is asked whether it is there, how often, and how many times at most."""


def open_redis(url: str) -> RemoteBus:
    """A bus over the Redis at `redis://user:password@host:6379/0`, or `rediss://` for TLS, or `unix://`.

    Not connected yet. Redis has one set of channels for all its databases: so that those who keep to a database each
    do not hear each other, the channel is named after it, `hullo:bus:0`. `?channel=…` names another. Who hears notices
    of another hullo all the same looks in vain, and no harm is done. Raises `SettingsError`, for a URL that no Redis
    could have and without the package that speaks to one.
    """
    return RemoteBus(RedisTransport(url))


class RedisTransport:
    """See `Carrier`."""

    max_frame_bytes = MAX_FRAME_BYTES

    def __init__(self, url: str) -> None:
        self.redacted_url = mask_secrets(url)
        self._url, channel = split_channel(url)
        pool = self._client().connection_pool
        self._channel: str = channel or f"{CHANNEL}:{pool.connection_kwargs.get('db') or 0}"

    def connect_subscription(self) -> RedisSubscription:
        """See `Carrier`."""
        return RedisSubscription(self._client(), self._channel)

    def connect_publisher(self) -> RedisPublisher:
        """See `Carrier`."""
        return RedisPublisher(self._client(), self._channel)

    def _client(self) -> Any:
        """Tries once: a client that quietly connected again would hide that something was missed."""
        options: dict[str, Any] = {}
        if not self._url.startswith("unix://"):
            found = {getattr(socket, name, None): value for name, value in _KEEPALIVE.items()}
            options["socket_keepalive"] = True
            options["socket_keepalive_options"] = {name: value for name, value in found.items() if name is not None}
        return open_redis_client(
            self._url, connect_timeout=SOCKET_TIMEOUT, response_timeout=SOCKET_TIMEOUT, attempts=1, **options
        )


class RedisSubscription:
    """See `Incoming`."""

    def __init__(self, client: Any, channel: str) -> None:
        self._client = client
        self._subscription = client.pubsub()
        try:
            self._subscription.subscribe(channel)
            if self._subscription.get_message(timeout=SOCKET_TIMEOUT) is None:
                raise TimeoutError("Redis does not answer")
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """See `Incoming`."""
        # There is no public door to it, and without it nobody could wait for this and for the end at once.
        number: int = self._subscription.connection._sock.fileno()
        return number

    def receive(self) -> Iterator[bytes | str]:
        """See `Incoming`."""
        while self._subscription.connection.can_read(0):
            # Not 0: of what has come the end may be a moment behind.
            message = self._subscription.get_message(timeout=SOCKET_TIMEOUT)
            if message is not None and message["type"] == "message":
                yield message["data"]

    def close(self) -> None:
        """See `Incoming`."""
        self._subscription.close()
        self._client.close()


class RedisPublisher:
    """See `Outgoing`."""

    def __init__(self, client: Any, channel: str) -> None:
        self._client = client
        self._channel = channel

    def send(self, frames: Sequence[bytes]) -> None:
        """See `Outgoing`."""
        with self._client.pipeline(transaction=False) as pipeline:
            for parcel in frames:
                pipeline.publish(self._channel, parcel)
            pipeline.execute()

    def close(self) -> None:
        """See `Outgoing`."""
        self._client.close()
