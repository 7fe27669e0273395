"""What the edge asks of a bus. Everything is synchronous and may be called from any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from hullo.bus.notice import Notice


class Subscriber(Protocol):
    """Who has sockets open in this process. Called from threads of the bus; returns at once, and raises nothing."""

    def receive(self, notices: Sequence[Notice]) -> None:
        """Something was committed, here or in another process."""
        ...

    def handle_gap(self) -> None:
        """The bus was cut off for a while, and listens again: whatever was published meanwhile may never be heard."""
        ...


@runtime_checkable
class Bus(Protocol):
    """Carries notices from the process in which something was committed to all that listen, itself included.

    Fast and forgetful: what is published while nobody listens, or while a bus is cut off, is lost, and whoever listens
    looks into the store now and then all the same. A bus that is cut off goes on trying, and tells of it once in the
    log. `hullo.testing.BusContract` proves an implementation.
    """

    @property
    def is_cross_process(self) -> bool:
        """Whether other processes hear what is published here."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether what other processes publish is heard just now: not while the bus is cut off, as far as it knows, and
        not before somebody listens."""
        ...

    def publish(self, notices: Sequence[Notice]) -> None:
        """Returns at once, and raises nothing: what was committed stays committed, whatever becomes of word of it.

        Those of one process are heard in their order, and by its own listeners also while the bus is cut off. When more
        is published than can be carried, the oldest is dropped.
        """
        ...

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """From now on, until what is returned is called. Nothing is connected while nobody listens or publishes.

        Returns at once; where that takes a connection, `missed` is called as soon as others are heard.
        """
        ...

    def close(self) -> None:
        """Gives everything back; what was published is on its way, or lost. May be used again afterwards."""
        ...
