"""A bus between processes, over whatever server carries it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence

from hullo.bus.listeners import Listeners
from hullo.bus.notice import Notice
from hullo.bus.protocol import Listener
from hullo_plugins.bus.carrier import Carrier
from hullo_plugins.bus.hearing import Hearing
from hullo_plugins.bus.parcels import Packer
from hullo_plugins.bus.reach import Reach
from hullo_plugins.bus.telling import Telling


class CarriedBus:
    """Tells the listeners of this process in the thread that publishes, and those of others through a server.

    There is a connection for hearing while somebody listens, and one for telling from the first notice on. A process
    that is forked keeps the listeners, and connects for itself once it listens or publishes.
    """

    between_processes = True
    _hearing: Hearing | None
    _telling: Telling | None

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._listeners = Listeners()
        self._begin_anew()
        _buses.add(self)

    @property
    def hearing(self) -> bool:
        """As `Bus.hearing`."""
        hearing = self._hearing
        return hearing is not None and hearing.connected

    def publish(self, notices: Sequence[Notice]) -> None:
        """As `Bus.publish`."""
        if not notices:
            return
        self._listeners.hear(notices)
        with self._changing:
            self._hear_others()
            if self._telling is None:
                self._telling = Telling(self._carrier, self._packer, self._reach)
            self._telling.put(notices)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """As `Bus.listen`. Whoever listens to one that hears others already is told `missed` with the next cut only."""
        remove = self._listeners.add(listener)
        with self._changing:
            self._hear_others()

        def stop() -> None:
            remove()
            with self._changing:
                if self._hearing is not None and not self._listeners:
                    self._hearing.end(wait=False)
                    self._hearing = None

        return stop

    def close(self) -> None:
        """As `Bus.close`. Waits a second at most for what is on its way."""
        with self._changing:
            hearing, self._hearing = self._hearing, None
            telling, self._telling = self._telling, None
        # Without the lock, as a listener may publish meanwhile.
        if hearing is not None:
            hearing.end(wait=True)
        if telling is not None:
            telling.end()

    def _hear_others(self) -> None:
        if self._hearing is None and self._listeners:
            self._hearing = Hearing(self._carrier, self._packer.sender, self._listeners, self._reach)

    def _begin_anew(self) -> None:
        """Under another name, as this may be a process that was forked: it has no thread of its parent's, its
        parent's connections are not its own, and locks may be held for ever."""
        self._changing = threading.Lock()
        self._packer = Packer(self._carrier.longest)
        self._reach = Reach(self._carrier.where)
        self._hearing = None
        self._telling = None


_buses: weakref.WeakSet[CarriedBus] = weakref.WeakSet()


def _begin_all_anew() -> None:
    for bus in _buses:
        bus._begin_anew()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_begin_all_anew)
