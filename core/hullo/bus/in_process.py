"""The bus of a process that is alone with its store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hullo.bus.listeners import Listeners
from hullo.bus.notice import Notice
from hullo.bus.protocol import Listener
from hullo.errors import SettingsError


class InProcessBus:
    """Tells the listeners of this process, in the thread that publishes."""

    between_processes = False
    hearing = False

    def __init__(self) -> None:
        self._listeners = Listeners()

    def publish(self, notices: Sequence[Notice]) -> None:
        """As `Bus.publish`."""
        self._listeners.hear(notices)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """As `Bus.listen`."""
        return self._listeners.add(listener)

    def close(self) -> None:
        """Nothing is held that could be given back: listeners end by themselves."""


def open_in_process(url: str) -> InProcessBus:
    """For whoever wants none between processes, whatever else is set: `memory:`."""
    if url != "memory:":
        raise SettingsError("the URL of a bus inside one process is 'memory:', and says no more")
    return InProcessBus()
