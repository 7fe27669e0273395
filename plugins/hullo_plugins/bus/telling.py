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
from hullo_plugins.bus.carrier import Carrier, Outgoing, pauses
from hullo_plugins.bus.parcels import Packer
from hullo_plugins.bus.reach import Reach

MOST: Final = 10_000
"""Notices that wait. Of more the oldest are lost."""
BATCH: Final = 500
"""Notices that are sent at once."""
PATIENCE: Final = 1.0
"""Seconds that ending waits for what is on its way."""

_log = logging.getLogger("hullo.bus")


class Telling:
    """Sends what is put into it, in that order, from now until `end`.

    What could not be sent is sent again once the server is back, as others may not have been cut off.
    """

    def __init__(self, carrier: Carrier, packer: Packer, reach: Reach) -> None:
        self._carrier = carrier
        self._packer = packer
        self._reach = reach
        self._waiting: deque[Notice] = deque()
        self._lost = self._flooded = False
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._outgoing: Outgoing | None = None
        self._thread = threading.Thread(target=self._run, name="hullo bus, telling", daemon=True)
        self._thread.start()

    def put(self, notices: Sequence[Notice]) -> None:
        """Returns at once."""
        with self._changed:
            self._waiting.extend(notices)
            flooded = len(self._waiting) > MOST
            while len(self._waiting) > MOST:
                self._waiting.popleft()
            self._lost |= flooded
            first, self._flooded = flooded and not self._flooded, self._flooded or flooded
            self._changed.notify()
        if first:
            _log.warning("more is published than the bus can carry: other processes hear late of what it has dropped")

    def end(self) -> None:
        """Sends what is waiting, unless the server is out of reach."""
        with self._changed:
            self._ended.set()
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        while batch := self._next():
            if not self._sent(list(self._packer.pack(batch))):
                break
        self._hang_up()
        self._reach.given_up("telling")

    def _next(self) -> list[Notice]:
        """Waits until there is something. Nothing at the end."""
        with self._changed:
            if not self._waiting:
                self._flooded = False
            self._changed.wait_for(lambda: self._waiting or self._ended.is_set())
            if self._lost:
                self._packer.skip()
                self._lost = False
            batch = list(islice(self._waiting, BATCH))
            for _ in batch:
                self._waiting.popleft()
            return batch

    def _sent(self, parcels: Sequence[bytes]) -> bool:
        """Whether the server has them, at last. Not so when it cannot be reached at the end."""
        attempts = pauses()
        while True:
            kept = self._outgoing is not None
            try:
                if self._outgoing is None:
                    self._outgoing = self._carrier.connect_to_tell()
                self._outgoing.send(parcels)
            except Exception as error:
                self._hang_up()
                if kept:
                    continue  # it may have been closed for its idleness; a new one will tell
                self._reach.lost("telling", error)
                if self._ended.wait(next(attempts)):
                    return False
            else:
                self._reach.found("telling")
                return True

    def _hang_up(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing is not None:
            with suppress(Exception):  # of a connection that is given up, nothing is wanted any more
                outgoing.close()
