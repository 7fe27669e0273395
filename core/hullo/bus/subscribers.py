"""The subscribers of a bus in this process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Subscriber

_log = logging.getLogger("hullo.bus")


class Subscribers:
    """Call subscribers in the order in which they were added. One that raises is logged, and the next is called."""

    def __init__(self) -> None:
        # Without a lock: a forked process would inherit it in any state. Each step below is one operation of a dict,
        # which is atomic.
        self._subscribers: dict[object, Subscriber] = {}

    def add(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add a subscriber; added twice, it is called twice. The returned function removes it, and may run again."""
        # A ticket and not the subscriber as the key: it may be added twice, and each removal takes one away.
        ticket = object()
        self._subscribers[ticket] = subscriber

        def remove() -> None:
            # With a default: it may run again, and beside `receive` in another thread.
            self._subscribers.pop(ticket, None)

        return remove

    def receive(self, notices: Sequence[Notice]) -> None:
        """Give notices to all."""
        for subscriber in tuple(self._subscribers.values()):  # a copy: a call may add or remove one
            try:
                subscriber.receive(notices)
            except Exception:
                # Logged and not raised: the commit stands, and the next subscriber must still hear of it.
                _log.exception("%s could not hear", type(subscriber).__name__)

    def handle_gap(self) -> None:
        """Report a gap to all."""
        for subscriber in tuple(self._subscribers.values()):  # a copy: a call may add or remove one
            try:
                subscriber.handle_gap()
            except Exception:
                _log.exception("%s could not hear that it has missed something", type(subscriber).__name__)

    def __bool__(self) -> bool:
        return bool(self._subscribers)
