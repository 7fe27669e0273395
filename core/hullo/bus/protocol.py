"""The contracts of a bus and its subscribers. Every method is synchronous, and safe to call from any thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from hullo.bus.notice import Notice


class Subscriber(Protocol):
    """A part of this process that has sockets open. Called in threads of the bus. Returns at once, and never raises."""

    def receive(self, notices: Sequence[Notice]) -> None:
        """Handle commits of this process or another one."""
        ...

    # A second method and no third kind of notice: a gap concerns all visitors, and has no ids.
    def handle_gap(self) -> None:
        """Handle that notices may be missing: the bus was disconnected for a while, and is connected again."""
        ...


@runtime_checkable
class Bus(Protocol):
    """Carry notices from the process that committed to all processes that subscribe, itself included.

    Fast, not reliable: notices published without a subscriber, or during a disconnect, are lost. Subscribers therefore
    read the store from time to time all the same. A disconnected bus tries to connect for as long as it is open, and
    logs one line. `hullo.testing.BusContract` tests an implementation.
    """

    @property
    def is_cross_process(self) -> bool:
        """Whether other processes receive what is published here."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether notices of other processes arrive now, as far as the bus knows. False without a subscriber."""
        ...

    def publish(self, notices: Sequence[Notice]) -> None:
        """Publish notices. Returns at once, and never raises: the commit stands, even if its notices are lost.

        Notices of one process arrive in order, and reach its own subscribers even during a disconnect. When more are
        published than can be carried, the oldest are dropped.
        """
        ...

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call a subscriber from now on, until the returned function is called. Returns at once.

        A bus connects with the first subscriber or notice. It calls `handle_gap` once it receives from other processes.
        """
        ...

    def close(self) -> None:
        """Release connections and threads. Notices not sent yet may be lost. The bus may be used again afterwards."""
        ...
