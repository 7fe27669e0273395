"""A bus between processes, over whatever server carries it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence

from hullo.bus.notice import Notice
from hullo.bus.protocol import Subscriber
from hullo.bus.subscribers import Subscribers
from hullo_plugins.bus.framing import Encoder
from hullo_plugins.bus.publisher import PublisherThread
from hullo_plugins.bus.reachability_log import ReachabilityLog
from hullo_plugins.bus.subscriber import SubscriberThread
from hullo_plugins.bus.transport import Transport


class RemoteBus:
    """Tells the listeners of this process in the thread that publishes, and those of others through a server.

    There is a connection for hearing while somebody listens, and one for telling from the first notice on. A process
    that is forked keeps the listeners, and connects for itself once it listens or publishes.
    """

    is_cross_process = True
    _subscriber: SubscriberThread | None
    _publisher: PublisherThread | None

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._listeners = Subscribers()
        self._reset()
        _buses.add(self)

    @property
    def is_connected(self) -> bool:
        """As `Bus.hearing`."""
        hearing = self._subscriber
        return hearing is not None and hearing.connected

    def publish(self, notices: Sequence[Notice]) -> None:
        """As `Bus.publish`."""
        if not notices:
            return
        self._listeners.receive(notices)
        with self._lock:
            self._ensure_subscribed()
            if self._publisher is None:
                self._publisher = PublisherThread(self._transport, self._encoder, self._reachability)
            self._publisher.put(notices)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """As `Bus.listen`. Whoever listens to one that hears others already is told `missed` with the next cut only."""
        remove = self._listeners.add(subscriber)
        with self._lock:
            self._ensure_subscribed()

        def stop() -> None:
            remove()
            with self._lock:
                if self._subscriber is not None and not self._listeners:
                    self._subscriber.stop(wait=False)
                    self._subscriber = None

        return stop

    def close(self) -> None:
        """As `Bus.close`. Waits a second at most for what is on its way."""
        with self._lock:
            hearing, self._subscriber = self._subscriber, None
            telling, self._publisher = self._publisher, None
        # Without the lock, as a listener may publish meanwhile.
        if hearing is not None:
            hearing.stop(wait=True)
        if telling is not None:
            telling.stop()

    def _ensure_subscribed(self) -> None:
        if self._subscriber is None and self._listeners:
            self._subscriber = SubscriberThread(
                self._transport, self._encoder.sender, self._listeners, self._reachability
            )

    def _reset(self) -> None:
        """Under another name, as this may be a process that was forked: it has no thread of its parent's, its
        parent's connections are not its own, and locks may be held for ever."""
        self._lock = threading.Lock()
        self._encoder = Encoder(self._transport.max_frame_bytes)
        self._reachability = ReachabilityLog(self._transport.redacted_url)
        self._subscriber = None
        self._publisher = None


_buses: weakref.WeakSet[RemoteBus] = weakref.WeakSet()


def _reset_all() -> None:
    for bus in _buses:
        bus._reset()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_reset_all)
