"""The two threads of a bus: one publishes, so that its callers wait for nothing, and one receives."""

from __future__ import annotations

import logging
import random
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Literal

from hullo.plugin import Notice, Subscribers, describe_error
from hullo_plugins.bus.framing import Decoder, Encoder
from hullo_plugins.bus.transport import Subscription, Transport

MAX_QUEUED: Final = 10_000
"""Notices that wait to be sent. Beyond that the oldest are dropped."""
BATCH_SIZE: Final = 500
"""Notices that are sent at once."""
JOIN_TIMEOUT: Final = 1.0
"""Seconds that stopping waits for a thread, which may be connecting. It ends by itself later."""
FIRST_RETRY_DELAY: Final = 0.1
MAX_RETRY_DELAY: Final = 5.0
"""Seconds before the next attempt to connect."""

_log = logging.getLogger("hullo.bus")


class ReachabilityLog:
    """Log once when the first thread loses the server, and once when none lacks it any more."""

    def __init__(self, redacted_url: str) -> None:
        self._redacted_url = redacted_url
        self._failing: set[Literal["publisher", "subscriber"]] = set()
        # Both threads lose a server at the same moment: without the lock both would find themselves the first.
        self._lock = threading.Lock()

    def record_failure(self, thread: Literal["publisher", "subscriber"], error: Exception) -> None:
        """Note that a thread cannot reach the server, and will try again."""
        with self._lock:
            first = not self._failing
            self._failing.add(thread)
        if first:
            _log.warning(
                "the bus at %s is out of reach, so other processes hear of what happens here late: %s",
                self._redacted_url,
                describe_error(error),
            )
            _log.debug("", exc_info=error)

    def record_success(self, thread: Literal["publisher", "subscriber"]) -> None:
        """Note that a thread has reached the server."""
        with self._lock:
            last = self._failing == {thread}
            self._failing.discard(thread)
        if last:
            _log.info("the bus at %s is within reach again", self._redacted_url)

    def forget(self, thread: Literal["publisher", "subscriber"]) -> None:
        """Note that a thread has ended, and no longer tries."""
        with self._lock:
            self._failing.discard(thread)


class PublisherThread:
    """Send notices in the order in which they are put, from now until `stop`.

    Frames that could not be sent are sent again once the server is back: receivers may have been connected all the
    time. A frame may therefore arrive twice; `Decoder` drops the second one.
    """

    def __init__(self, transport: Transport, encoder: Encoder, reachability: ReachabilityLog) -> None:
        self._transport = transport
        self._encoder = encoder
        self._reachability = reachability
        self._queue: deque[Notice] = deque()
        self._has_dropped = self._is_overflowing = False
        # Guards the queue and the two flags above.
        self._queue_changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hullo bus publisher", daemon=True)
        self._thread.start()

    def put(self, notices: Sequence[Notice]) -> None:
        """Queue notices. Returns at once; drops the oldest when too many wait."""
        with self._queue_changed:
            self._queue.extend(notices)
            flooded = len(self._queue) > MAX_QUEUED
            while len(self._queue) > MAX_QUEUED:
                self._queue.popleft()
            self._has_dropped |= flooded
            first, self._is_overflowing = flooded and not self._is_overflowing, self._is_overflowing or flooded
            self._queue_changed.notify()
        # Logged without the lock: a log handler may be slow, or publish.
        if first:
            _log.warning("more is published than the bus can carry: other processes hear late of what it has dropped")

    def stop(self) -> None:
        """Send what is queued, unless the server is out of reach. Waits at most `JOIN_TIMEOUT` seconds."""
        with self._queue_changed:
            self._stopping.set()
            self._queue_changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        delays = retry_delays()
        frames = self._next_frames()
        while frames:
            has_sent = False
            try:
                with self._transport.publish() as send:
                    while frames:
                        send(frames)
                        has_sent, delays = True, retry_delays()
                        self._reachability.record_success("publisher")
                        frames = self._next_frames()
            except Exception as error:
                # A connection that has worked may only have been closed for its idleness: try a new one at once,
                # and log nothing.
                if not has_sent:
                    self._reachability.record_failure("publisher", error)
                    if self._stopping.wait(next(delays)):
                        break
        self._reachability.forget("publisher")

    def _next_frames(self) -> Sequence[bytes]:
        """Wait for notices, and encode a batch of them. Gives none at the end."""
        while batch := self._next_batch():
            # No frame when every notice of the batch was too long.
            if frames := tuple(self._encoder.encode(batch)):
                return frames
        return ()

    def _next_batch(self) -> Sequence[Notice]:
        with self._queue_changed:
            if not self._queue:
                self._is_overflowing = False  # the next flood is a new one, with a line of its own in the log
            self._queue_changed.wait_for(lambda: self._queue or self._stopping.is_set())
            if self._has_dropped:
                self._encoder.mark_gap()
                self._has_dropped = False
            batch = tuple(islice(self._queue, BATCH_SIZE))
            for _ in batch:
                self._queue.popleft()
            return batch


class SubscriberThread:
    """Give the subscribers what other processes publish, from now until `stop`, and a gap after each connect."""

    def __init__(
        self, transport: Transport, own_sender: str, subscribers: Subscribers, reachability: ReachabilityLog
    ) -> None:
        self._transport = transport
        self._own_sender = own_sender
        self._subscribers = subscribers
        self._reachability = reachability
        self._stopping = threading.Event()
        self.is_connected = False
        # The thread waits in `select` for the server, where an event cannot wake it. Closing `_waker` can: it makes
        # `_woken` readable.
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="hullo bus subscriber", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool) -> None:
        """Give the subscribers nothing more. With `wait`, wait for the thread, at most `JOIN_TIMEOUT` seconds."""
        self._stopping.set()
        self._waker.close()
        # A subscriber may close its bus in this very thread, which cannot wait for itself.
        if wait and self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        with self._woken:
            delays = retry_delays()
            while not self._stopping.is_set():
                since = time.monotonic()
                try:
                    self._receive_until_lost()
                except Exception as error:
                    if self._stopping.is_set():
                        break
                    self._reachability.record_failure("subscriber", error)
                # A server that accepts and drops connections at once must not be asked every tenth of a second:
                # only a connection that lasted begins the delays anew.
                if time.monotonic() - since > MAX_RETRY_DELAY:
                    delays = retry_delays()
                self._stopping.wait(next(delays))
        self._reachability.forget("subscriber")

    def _receive_until_lost(self) -> None:
        """Receive until `stop`, or until the server is gone. Raises what the transport raises then."""
        with self._transport.subscribe() as subscription, selectors.DefaultSelector() as selector:
            if self._stopping.is_set():
                return
            self._reachability.record_success("subscriber")
            self.is_connected = True
            try:
                # After the connect, not before: whatever is published from here on is received.
                self._subscribers.handle_gap()
                selector.register(subscription, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                decoder = Decoder(self._own_sender)
                while not self._stopping.is_set():
                    # Read before waiting: frames may have arrived together with the server's answer to the subscribe,
                    # and the socket does not become readable for them again.
                    self._notify_subscribers(subscription, decoder)
                    selector.select()
            finally:
                self.is_connected = False

    def _notify_subscribers(self, subscription: Subscription, decoder: Decoder) -> None:
        for payload in subscription.receive():
            try:
                frame = decoder.decode(payload)
            except ValueError:
                continue  # other programs may publish on the same channel
            if self._stopping.is_set():
                return
            if frame.gap:
                self._subscribers.handle_gap()
            if frame.notices:
                self._subscribers.receive(frame.notices)


def retry_delays() -> Iterator[float]:
    """Give the seconds before each attempt to connect: doubling, with jitter so that processes do not come at once."""
    delay = FIRST_RETRY_DELAY
    while True:
        yield delay * random.uniform(0.5, 1)
        delay = min(2 * delay, MAX_RETRY_DELAY)
