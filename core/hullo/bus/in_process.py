"""The bus of a process that is alone with its store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Subscriber
from hullo.bus.subscribers import Subscribers
from hullo.errors import SettingsError


class InProcessBus:
    """Tells the listeners of this process, in the thread that publishes."""

    is_cross_process = False
    is_connected = False

    def __init__(self) -> None:
        self._subscribers = Subscribers()

    def publish(self, notices: Sequence[Notice]) -> None:
        """As `Bus.publish`."""
        self._subscribers.receive(notices)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """As `Bus.listen`."""
        return self._subscribers.add(subscriber)

    def close(self) -> None:
        """Nothing is held that could be given back: listeners end by themselves."""


def open_in_process(url: str) -> InProcessBus:
    """For whoever wants none between processes, whatever else is set: `memory:`."""
    if url != "memory:":
        raise SettingsError("the URL of a bus inside one process is 'memory:', and says no more")
    return InProcessBus()
