"""What the claims share: a fresh bus, a listener, and ways to wait for notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus

TIMEOUT = 30.0
"""Seconds after which what has not come is taken for lost."""


class BusCase:
    """Makes the bus under test."""

    def make_bus(self, place: Path) -> Bus:
        """A bus that nobody listens to yet. Those that are made for one folder are at one place."""
        raise NotImplementedError("say how your bus is made")

    @pytest.fixture
    def bus(self, tmp_path: Path) -> Iterator[Bus]:
        """A bus, closed afterwards."""
        bus = self.make_bus(tmp_path)
        yield bus
        bus.close()


class RecordingSubscriber:
    """A listener that remembers. What it hears in which thread is of no interest to it."""

    def __init__(self) -> None:
        self.received: list[Notice] = []
        self.gap_count = 0
        # Beside the list, which keeps order and repeats: a search in it for each notice would take quadratic time.
        self._known: set[Notice] = set()
        # Buses call from threads of their own, while the test waits in another one.
        self._changed = threading.Condition()

    def receive(self, notices: Sequence[Notice]) -> None:
        """As `Listener.hear`."""
        # The lock makes list, set and wake-up one step, so that a waiting test never misses the last notice.
        with self._changed:
            self.received += notices
            self._known.update(notices)
            self._changed.notify_all()

    def handle_gap(self) -> None:
        """As `Listener.missed`."""
        with self._changed:
            self.gap_count += 1
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Whether it came to be so."""
        with self._changed:
            return self._changed.wait_for(condition, TIMEOUT)

    def wait_for_notice(self, notice: Notice) -> bool:
        """Whether it has heard it, at last."""
        return self.wait_for(lambda: notice in self._known)

    def wait_for_gap(self, times: int = 1) -> bool:
        """Whether it was told so often, at last, that it may have missed something."""
        return self.wait_for(lambda: self.gap_count >= times)


def a_notice(number: int = 0) -> Notice:
    """A message of a visitor, who has that number. Of its ids some are as long as they get, and some are not there."""
    return Notice(
        kind="message",
        visitor_id=f"vis_{number}",
        # None in every second one: a bus must keep a missing id apart from an empty one.
        contact_id=f"con_{number:026}" if number % 2 else None,
        conversation_id=f"cnv_{number:026}",
        message_id=f"msg_{number:026}",
    )


def make_notices(count: int, first: int = 0) -> list[Notice]:
    """So many, all different."""
    return [a_notice(number) for number in range(first, first + count)]


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether it came to be so. For what nobody tells: looks again and again."""
    # Monotonic: a clock that is set back must not prolong a failing test.
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            return False
        # Polled, since what is waited for (a thread's end, a closed socket) has no event of its own.
        time.sleep(0.005)
    return True
