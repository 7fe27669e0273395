"""Who listens to a bus in this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Subscriber

_log = logging.getLogger("hullo.bus")


class Subscribers:
    """Tells each in the order in which they came. One that raises is a fault of its own, and holds up nobody.

    Needs no lock, which a process that is forked would inherit in whatever state it was.
    """

    def __init__(self) -> None:
        self._subscribers: dict[object, Subscriber] = {}

    def add(self, subscriber: Subscriber) -> Callable[[], None]:
        """Whoever is added twice is told twice. What is returned takes it away, and may be called again."""
        ticket = object()
        self._subscribers[ticket] = subscriber

        def remove() -> None:
            self._subscribers.pop(ticket, None)

        return remove

    def receive(self, notices: Sequence[Notice]) -> None:
        """Tells all of what was committed."""
        for listener in tuple(self._subscribers.values()):
            try:
                listener.receive(notices)
            except Exception:
                _log.exception("%s could not hear", type(listener).__name__)

    def handle_gap(self) -> None:
        """Tells all that something may never be heard."""
        for listener in tuple(self._subscribers.values()):
            try:
                listener.handle_gap()
            except Exception:
                _log.exception("%s could not hear that it has missed something", type(listener).__name__)

    def __bool__(self) -> bool:
        return bool(self._subscribers)
