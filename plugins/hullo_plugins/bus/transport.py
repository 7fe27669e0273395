"""What a bus between processes asks of the server that carries it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

FIRST_RETRY_DELAY: Final = 0.1
MAX_RETRY_DELAY: Final = 5.0
"""Seconds before the server is tried again."""


class Subscription(Protocol):
    """A connection over which others are heard. Raises whatever it likes once the server is gone."""

    def fileno(self) -> int:
        """Of the socket that becomes readable when something has arrived, or when the server is gone."""
        ...

    def receive(self) -> Iterable[bytes | str]:
        """Every parcel that has arrived, in order. Waits for nothing."""
        ...

    def close(self) -> None:
        """Gives the connection back, whatever state it is in."""
        ...


class Publisher(Protocol):
    """A connection over which others are told. Raises whatever it likes once the server is gone."""

    def send(self, frames: Sequence[bytes]) -> None:
        """Returns once the server has all of them, to be heard in this order."""
        ...

    def close(self) -> None:
        """Gives the connection back, whatever state it is in."""
        ...


class Transport(Protocol):
    """A server, as its clients see it. Making one connects to nothing; both connections have an end to their patience,
    and notice a server that is gone without a word."""

    @property
    def redacted_url(self) -> str:
        """Its URL, as it may be shown."""
        ...

    @property
    def max_frame_bytes(self) -> int:
        """How many bytes a parcel may have."""
        ...

    def connect_subscription(self) -> Subscription:
        """Whatever is sent from its return on is heard."""
        ...

    def connect_publisher(self) -> Publisher:
        """Another connection, as both are used at once."""
        ...


def retry_delays() -> Iterator[float]:
    """Seconds before each attempt to reach the server: twice as long each time, and by chance a little less, so that
    not all processes come back at once."""
    pause = FIRST_RETRY_DELAY
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(2 * pause, MAX_RETRY_DELAY)
