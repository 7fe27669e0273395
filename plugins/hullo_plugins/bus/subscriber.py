"""How a bus hears other processes: in a thread of its own, which comes back whenever it was cut off."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import closing
from typing import Final

from hullo.bus.subscribers import Subscribers
from hullo_plugins.bus.framing import Decoder
from hullo_plugins.bus.reachability_log import ReachabilityLog
from hullo_plugins.bus.transport import MAX_RETRY_DELAY, Subscription, Transport, retry_delays

JOIN_TIMEOUT: Final = 1.0
"""Seconds that ending waits for the thread, which may be about to connect. It ends by itself then."""


class SubscriberThread:
    """Tells the listeners what others publish, from now until `end`, and that they have missed something whenever it
    has begun to hear."""

    def __init__(
        self, transport: Transport, own_sender: str, listeners: Subscribers, reachability: ReachabilityLog
    ) -> None:
        self._transport = transport
        self._own_sender = own_sender
        self._listeners = listeners
        self._reachability = reachability
        self._stopping = threading.Event()
        self.connected = False
        # The other end of what the thread waits for, beside the server: readable once it is closed.
        self._waker, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="hullo bus, hearing", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool) -> None:
        """Nobody is told from now on. Never waits for itself."""
        self._stopping.set()
        self._waker.close()
        if wait and self._thread is not threading.current_thread():
            self._thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        with self._woken:
            attempts = retry_delays()
            while not self._stopping.is_set():
                since = time.monotonic()
                try:
                    self._receive_until_lost()
                except Exception as error:
                    if self._stopping.is_set():
                        break
                    self._reachability.record_failure("hearing", error)
                if time.monotonic() - since > MAX_RETRY_DELAY:
                    attempts = retry_delays()
                self._stopping.wait(next(attempts))
        self._reachability.forget("hearing")

    def _receive_until_lost(self) -> None:
        """Until the end, or until the server is gone, which raises."""
        with closing(self._transport.connect_subscription()) as incoming, selectors.DefaultSelector() as selector:
            if self._stopping.is_set():
                return
            self._reachability.record_success("hearing")
            self.connected = True
            try:
                self._listeners.handle_gap()
                selector.register(incoming, selectors.EVENT_READ)
                selector.register(self._woken, selectors.EVENT_READ)
                unpacker = Decoder(self._own_sender)
                while not self._stopping.is_set():
                    # First, as something may have arrived together with the server's answer to the last request.
                    self._notify_listeners(incoming, unpacker)
                    selector.select()
            finally:
                self.connected = False

    def _notify_listeners(self, incoming: Subscription, unpacker: Decoder) -> None:
        for payload in incoming.receive():
            try:
                unpacked = unpacker.decode(payload)
            except ValueError:
                continue  # others may say what they like where we listen
            if self._stopping.is_set():
                return
            if unpacked.gap:
                self._listeners.handle_gap()
            if unpacked.notices:
                self._listeners.receive(unpacked.notices)
