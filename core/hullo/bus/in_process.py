"""The bus for a process that has its store to itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Subscriber
from hullo.bus.subscribers import Subscribers
from hullo.errors import SettingsError


class InProcessBus:
    """Give notices to the subscribers of this process, in the thread that publishes."""

    # `hullo serve` warns when several workers would share this bus.
    is_cross_process = False
    is_connected = False

    def __init__(self) -> None:
        self._subscribers = Subscribers()

    def publish(self, notices: Sequence[Notice]) -> None:
        """See `Bus.publish`."""
        self._subscribers.receive(notices)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `Bus.subscribe`."""
        return self._subscribers.add(subscriber)

    def close(self) -> None:
        """Do nothing: subscribers unsubscribe themselves."""


def open_in_process(url: str) -> InProcessBus:
    """Make the bus of the URL `memory:`, for processes that want none between them. Raises `SettingsError`."""
    # Refused rather than ignored: two processes with one `memory:name` would not hear each other.
    if url != "memory:":
        raise SettingsError("the URL of a bus inside one process is 'memory:', and says no more")
    return InProcessBus()
