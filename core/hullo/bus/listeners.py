"""Who listens to a bus in this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Listener

_log = logging.getLogger("hullo.bus")


class Listeners:
    """Tells each in the order in which they came. One that raises is a fault of its own, and holds up nobody.

    Needs no lock, which a process that is forked would inherit in whatever state it was.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, Listener] = {}

    def add(self, listener: Listener) -> Callable[[], None]:
        """Whoever is added twice is told twice. What is returned takes it away, and may be called again."""
        ticket = object()
        self._listeners[ticket] = listener

        def remove() -> None:
            self._listeners.pop(ticket, None)

        return remove

    def hear(self, notices: Sequence[Notice]) -> None:
        """Tells all of what was committed."""
        for listener in tuple(self._listeners.values()):
            try:
                listener.hear(notices)
            except Exception:
                _log.exception("%s could not hear", type(listener).__name__)

    def missed(self) -> None:
        """Tells all that something may never be heard."""
        for listener in tuple(self._listeners.values()):
            try:
                listener.missed()
            except Exception:
                _log.exception("%s could not hear that it has missed something", type(listener).__name__)

    def __bool__(self) -> bool:
        return bool(self._listeners)
