"""A bus over Redis, by PUBLISH and SUBSCRIBE."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from hullo.plugin import mask_secrets, open_redis_client
from hullo_plugins.bus.remote_bus import RemoteBus
from hullo_plugins.bus.transport import Send, split_channel

CHANNEL: Final = "hullo:bus"
SOCKET_TIMEOUT: Final = 5.0
"""Seconds for which Redis may keep a thread of the bus waiting."""
MAX_FRAME_BYTES: Final = 64 * 1024

_KEEPALIVE: Final[Mapping[str, int]] = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds of silence before TCP probes the server, seconds between probes, and how many fail before it is gone."""


def open_redis(url: str) -> RemoteBus:
    """Make a bus over the Redis at `redis://user:password@host:6379/0`, `rediss://` for TLS, or `unix://`.

    Connects later. Redis has one set of channels for all its databases, so the channel is named after the database,
    `hullo:bus:0`; `?channel=…` names another. Two installations that share a channel only look into their stores in
    vain. Raises `SettingsError` for a URL that no Redis could have, and without the package `redis`.
    """
    return RemoteBus(RedisTransport(url))


class RedisTransport:
    """Carry frames over one Redis channel. See `Transport`."""

    max_frame_bytes = MAX_FRAME_BYTES

    def __init__(self, url: str) -> None:
        self.redacted_url = mask_secrets(url)
        self._url, channel = split_channel(url)
        pool = self._client().connection_pool
        self._channel: str = channel or f"{CHANNEL}:{pool.connection_kwargs.get('db') or 0}"

    @contextmanager
    def publish(self) -> Generator[Send]:
        """See `Transport.publish`."""
        with closing(self._client()) as client:

            def send(frames: Sequence[bytes]) -> None:
                with client.pipeline(transaction=False) as pipeline:
                    for frame in frames:
                        pipeline.publish(self._channel, frame)
                    pipeline.execute()

            yield send

    @contextmanager
    def subscribe(self) -> Generator[RedisSubscription]:
        """See `Transport.subscribe`."""
        with closing(self._client()) as client, closing(client.pubsub()) as pubsub:
            pubsub.subscribe(self._channel)
            # The client does not wait for the confirmation; what is published before it would be missed.
            if pubsub.get_message(timeout=SOCKET_TIMEOUT) is None:
                raise TimeoutError("Redis does not answer")
            yield RedisSubscription(pubsub)

    def _client(self) -> Any:
        options: dict[str, Any] = {}
        if not self._url.startswith("unix://"):
            found = {getattr(socket, name, None): value for name, value in _KEEPALIVE.items()}
            options["socket_keepalive"] = True
            options["socket_keepalive_options"] = {name: value for name, value in found.items() if name is not None}
        # One attempt: a client that quietly reconnects would hide that frames were missed.
        return open_redis_client(
            self._url, connect_timeout=SOCKET_TIMEOUT, response_timeout=SOCKET_TIMEOUT, attempts=1, **options
        )


class RedisSubscription:
    """Receive the messages of a `redis.client.PubSub`. See `Subscription`."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    def fileno(self) -> int:
        """See `Subscription.fileno`."""
        # The client has no public name for its socket. Without it a thread could not wait for the socket and for
        # `stop` at the same time.
        number: int = self._pubsub.connection._sock.fileno()
        return number

    def receive(self) -> Iterator[bytes | str]:
        """See `Subscription.receive`."""
        while self._pubsub.connection.can_read(0):
            # Not 0: the end of a message that has begun to arrive may be a moment behind.
            message = self._pubsub.get_message(timeout=SOCKET_TIMEOUT)
            if message is not None and message["type"] == "message":
                yield message["data"]
