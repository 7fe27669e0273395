"""How a bus hears other processes: in a thread of its own, which comes back whenever it was cut off."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import closing
from typing import Final

from hullo.bus.listeners import Listeners
from hullo_plugins.bus.carrier import LONGEST_PAUSE, Carrier, Incoming, pauses
from hullo_plugins.bus.parcels import Unpacker
from hullo_plugins.bus.reach import Reach

PATIENCE: Final = 1.0
"""Seconds that ending waits for the thread, which may be about to connect. It ends by itself then."""


class Hearing:
    """Tells the listeners what others publish, from now until `end`, and that they have missed something whenever it
    has begun to hear."""

    def __init__(self, carrier: Carrier, own: str, listeners: Listeners, reach: Reach) -> None:
        self._carrier = carrier
        self._own = own
        self._listeners = listeners
        self._reach = reach
        self._ended = threading.Event()
        self.connected = False
        # The other end of what the thread waits for, beside the server: readable once it is closed.
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="hullo bus, hearing", daemon=True)
        self._thread.start()

    def end(self, *, wait: bool) -> None:
        """Nobody is told from now on. Never waits for itself."""
        self._ended.set()
        self._waker.close()
        if wait and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        with self._woken:
            attempts = pauses()
            while not self._ended.is_set():
                since = time.monotonic()
                try:
                    self._hear()
                except Exception as error:
                    if self._ended.is_set():
                        break
                    self._reach.lost("hearing", error)
                if time.monotonic() - since > LONGEST_PAUSE:
                    attempts = pauses()
                self._ended.wait(next(attempts))
        self._reach.given_up("hearing")

    def _hear(self) -> None:
        """Until the end, or until the server is gone, which raises."""
        with closing(self._carrier.connect_to_hear()) as incoming, selectors.DefaultSelector() as selector:
            if self._ended.is_set():
                return
            self._reach.found("hearing")
            self.connected = True
            try:
                self._listeners.missed()
                selector.register(incoming, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                unpacker = Unpacker(self._own)
                while not self._ended.is_set():
                    # First, as something may have arrived together with the server's answer to the last request.
                    self._tell(incoming, unpacker)
                    selector.select()
            finally:
                self.connected = False

    def _tell(self, incoming: Incoming, unpacker: Unpacker) -> None:
        for payload in incoming.arrived():
            try:
                unpacked = unpacker.unpack(payload)
            except ValueError:
                continue  # others may say what they like where we listen
            if self._ended.is_set():
                return
            if unpacked.gap:
                self._listeners.missed()
            if unpacked.notices:
                self._listeners.hear(unpacked.notices)
