"""The bus of a process that is alone with its store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Listener


class InProcessBus:
    """Tells the listeners of this process, in the thread that publishes."""

    between_processes = False

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._changing = threading.Lock()

    def publish(self, notices: Sequence[Notice]) -> None:
        """As `Bus.publish`."""
        for listener in self._listeners:
            listener.hear(notices)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """As `Bus.listen`."""
        with self._changing:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._changing:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return stop

    def close(self) -> None:
        """Nothing is held that could be given back: listeners end by themselves."""
