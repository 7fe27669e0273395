"""How a bus tells other processes: in a thread of its own, so that whoever publishes waits for nothing."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from hullo.bus.notice import Notice
from hullo_plugins.bus.framing import Encoder
from hullo_plugins.bus.reachability_log import ReachabilityLog
from hullo_plugins.bus.transport import Publisher, Transport, retry_delays

MAX_QUEUED: Final = 10_000
"""Notices that wait. Of more the oldest are lost."""
BATCH_SIZE: Final = 500
"""Notices that are sent at once."""
JOIN_TIMEOUT: Final = 1.0
"""Seconds that ending waits for what is on its way."""

_log = logging.getLogger("hullo.bus")


class PublisherThread:
    """Sends what is put into it, in that order, from now until `end`.

    What could not be sent is sent again once the server is back, as others may not have been cut off.
    """

    def __init__(self, transport: Transport, encoder: Encoder, reachability: ReachabilityLog) -> None:
        self._transport = transport
        self._encoder = encoder
        self._reachability = reachability
        self._queue: deque[Notice] = deque()
        self._has_dropped = self._is_overflowing = False
        self._queue_changed = threading.Condition()
        self._stopping = threading.Event()
        self._connection: Publisher | None = None
        self._thread = threading.Thread(target=self._run, name="hullo bus, telling", daemon=True)
        self._thread.start()

    def put(self, notices: Sequence[Notice]) -> None:
        """Returns at once."""
        with self._queue_changed:
            self._queue.extend(notices)
            flooded = len(self._queue) > MAX_QUEUED
            while len(self._queue) > MAX_QUEUED:
                self._queue.popleft()
            self._has_dropped |= flooded
            first, self._is_overflowing = flooded and not self._is_overflowing, self._is_overflowing or flooded
            self._queue_changed.notify()
        if first:
            _log.warning("more is published than the bus can carry: other processes hear late of what it has dropped")

    def stop(self) -> None:
        """Sends what is waiting, unless the server is out of reach."""
        with self._queue_changed:
            self._stopping.set()
            self._queue_changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        while batch := self._next_batch():
            if not self._send_with_retries(list(self._encoder.encode(batch))):
                break
        self._disconnect()
        self._reachability.forget("telling")

    def _next_batch(self) -> list[Notice]:
        """Waits until there is something. Nothing at the end."""
        with self._queue_changed:
            if not self._queue:
                self._is_overflowing = False
            self._queue_changed.wait_for(lambda: self._queue or self._stopping.is_set())
            if self._has_dropped:
                self._encoder.mark_gap()
                self._has_dropped = False
            batch = list(islice(self._queue, BATCH_SIZE))
            for _ in batch:
                self._queue.popleft()
            return batch

    def _send_with_retries(self, parcels: Sequence[bytes]) -> bool:
        """Whether the server has them, at last. Not so when it cannot be reached at the end."""
        attempts = retry_delays()
        while True:
            kept = self._connection is not None
            try:
                if self._connection is None:
                    self._connection = self._transport.connect_publisher()
                self._connection.send(parcels)
            except Exception as error:
                self._disconnect()
                if kept:
                    continue  # it may have been closed for its idleness; a new one will tell
                self._reachability.record_failure("telling", error)
                if self._stopping.wait(next(attempts)):
                    return False
            else:
                self._reachability.record_success("telling")
                return True

    def _disconnect(self) -> None:
        outgoing, self._connection = self._connection, None
        if outgoing is not None:
            with suppress(Exception):  # of a connection that is given up, nothing is wanted any more
                outgoing.close()
