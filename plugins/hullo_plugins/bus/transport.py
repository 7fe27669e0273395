"""The server that carries frames between processes, as the threads of a bus use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from hullo.plugin import SettingsError

Send = Callable[[Sequence[bytes]], object]
"""Returns once the server has all the frames, to be received in this order. Raises any exception when it is gone."""


class Subscription(Protocol):
    """A connection that receives frames. Raises any exception once the server is gone."""

    def fileno(self) -> int:
        """Give the descriptor of the socket that becomes readable when a frame arrives or the server is gone."""
        ...

    def receive(self) -> Iterable[bytes | str]:
        """Give every frame that has arrived, in order. Does not wait for more."""
        ...


class Transport(Protocol):
    """A server that carries frames. Making a transport connects to nothing.

    `publish` and `subscribe` each open a connection of their own, as both are used at once, and close it afterwards.
    Connecting, sending and receiving time out, and notice a server that vanished without closing.
    """

    @property
    def redacted_url(self) -> str:
        """Its URL without secrets, for the log."""
        ...

    @property
    def max_frame_bytes(self) -> int:
        """How long a frame may be."""
        ...

    def publish(self) -> AbstractContextManager[Send]:
        """Connect, and give a function that sends frames."""
        ...

    def subscribe(self) -> AbstractContextManager[Subscription]:
        """Connect. Every frame that is sent after this has returned is received."""
        ...


_CHANNEL: Final = re.compile(r"[A-Za-z0-9_:.-]{1,63}")  # PostgreSQL cuts a name after 63 bytes


def split_channel(url: str) -> tuple[str, str | None]:
    """Split a URL into the URL without its parameter `channel`, and that parameter; None when there is none.

    Raises `SettingsError` for a name that not every server takes.
    """
    rest, _, query = url.partition("?")
    parameters = parse_qsl(query, keep_blank_values=True)
    channels = [value for name, value in parameters if name == "channel"]
    if not channels:
        return url, None
    if not _CHANNEL.fullmatch(channels[-1]):
        raise SettingsError("the channel of a bus is 1 to 63 letters A to Z, digits, and _ : . -")
    others = urlencode([(name, value) for name, value in parameters if name != "channel"], quote_via=quote)
    return (f"{rest}?{others}" if others else rest), channels[-1]
