"""A bus between processes, over any transport."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence

from hullo.plugin import Notice, Subscriber, Subscribers
from hullo_plugins.bus.framing import Encoder
from hullo_plugins.bus.threads import PublisherThread, ReachabilityLog, SubscriberThread
from hullo_plugins.bus.transport import Transport


class RemoteBus:
    """Give notices to the subscribers of this process at once, and to those of others through a server.

    One connection receives while there are subscribers, and one publishes from the first notice on. A forked process
    keeps the subscribers, and connects for itself once it subscribes or publishes.
    """

    is_cross_process = True
    _subscriber: SubscriberThread | None
    _publisher: PublisherThread | None

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._subscribers = Subscribers()
        self._reset()
        _buses.add(self)

    @property
    def is_connected(self) -> bool:
        """See `Bus.is_connected`."""
        thread = self._subscriber  # read once: `close` may set it to None between two reads
        return thread is not None and thread.is_connected

    def publish(self, notices: Sequence[Notice]) -> None:
        """See `Bus.publish`."""
        if not notices:
            return
        # Before the lock: a subscriber may publish, or close the bus.
        self._subscribers.receive(notices)
        with self._lock:
            self._ensure_subscribed()
            if self._publisher is None:
                self._publisher = PublisherThread(self._transport, self._encoder, self._reachability)
            self._publisher.put(notices)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """See `Bus.subscribe`. On a bus that is connected already, `handle_gap` comes after the next cut only."""
        remove = self._subscribers.add(subscriber)
        with self._lock:
            self._ensure_subscribed()

        def unsubscribe() -> None:
            remove()
            with self._lock:
                if self._subscriber is not None and not self._subscribers:
                    # Not waited for: the thread may be in a subscriber that waits for this lock.
                    self._subscriber.stop(wait=False)
                    self._subscriber = None

        return unsubscribe

    def close(self) -> None:
        """See `Bus.close`. Waits at most a second for what is being sent."""
        with self._lock:
            subscriber, self._subscriber = self._subscriber, None
            publisher, self._publisher = self._publisher, None
        # Stopped without the lock, as a subscriber may publish meanwhile.
        if subscriber is not None:
            subscriber.stop(wait=True)
        if publisher is not None:
            publisher.stop()

    def _ensure_subscribed(self) -> None:
        if self._subscriber is None and self._subscribers:
            self._subscriber = SubscriberThread(
                self._transport, self._encoder.sender, self._subscribers, self._reachability
            )

    def _reset(self) -> None:
        """Begin as a new sender without threads.

        In a forked process that is necessary: it has none of its parent's threads, must not use its parent's
        connections, and a lock that a thread of the parent held would stay locked for ever.
        """
        self._lock = threading.Lock()
        self._encoder = Encoder(self._transport.max_frame_bytes)
        self._reachability = ReachabilityLog(self._transport.redacted_url)
        self._subscriber = None
        self._publisher = None


# Weak references, so that an unused bus can be freed.
_buses: weakref.WeakSet[RemoteBus] = weakref.WeakSet()


def _reset_all() -> None:
    for bus in _buses:
        bus._reset()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_reset_all)
