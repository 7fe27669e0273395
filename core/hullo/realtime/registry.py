"""The open sockets of this process, and the thread that brings them updates.

One thread takes notices from the bus, asks the store what each socket may see by now, and hands the updates over to the
event loops. Every half a minute it also checks every socket: notices may be lost, sessions end by the clock, and
no notice says that an app has changed its origins.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from anyio import RunFinishedError, from_thread
from anyio.lowlevel import EventLoopToken

from hullo.asgi.address import rate_limit_key
from hullo.background.worker import BackgroundWorker
from hullo.bus.notice import Notice
from hullo.errors import StoreUnavailable
from hullo.model.contact import ContactId
from hullo.model.instant import SECOND, Instant
from hullo.model.visitor import Session, VisitorId
from hullo.operations.conversations.live_updates import BATCH_SIZE
from hullo.realtime.close_codes import RESTARTING
from hullo.realtime.updates import SocketUpdate, UpdateReceiver, updates_from_notices, updates_from_store

if TYPE_CHECKING:
    from hullo.application import Hullo


CHECK_INTERVAL: Final = 30.0
"""Seconds between two checks of every socket."""
MAX_QUEUED_NOTICES: Final = 10_000
"""Notices that are kept at most. With more, all are dropped and every socket is checked instead."""
OVERLAP: Final[Instant] = 45 * SECOND
"""How far a check for missed messages reaches back before the last one: a bus that falls silent without an error is
noticed some half a minute later, and the clocks of processes differ. Sockets leave out what they have delivered."""

_Update = tuple[UpdateReceiver, SocketUpdate]


class ConnectionRegistry:
    """Know the sockets of one process and bring them updates.

    Its methods are for the event loops, except `receive` and `handle_gap`, which the bus calls from its threads, and
    the private ones from `_run_once` on, which run in the registry's own thread.
    """

    def __init__(self, hullo: Hullo) -> None:
        self._hullo = hullo
        self._worker = BackgroundWorker("sockets", self._run_once)
        # Guards the four dicts and the subscription: several event loops and the thread use them.
        self._lock = threading.Lock()
        self._connected: dict[UpdateReceiver, Session | None] = {}
        self._by_visitor: dict[VisitorId, list[UpdateReceiver]] = {}
        self._by_contact: dict[ContactId, list[UpdateReceiver]] = {}
        self._open_by_address: dict[str, int] = {}
        # No lock: append and pop of a deque are atomic, and a flag that is set twice is set.
        self._queued_notices: deque[Notice] = deque()
        self._to_check: deque[UpdateReceiver] = deque()
        self._notices_missed = False
        # Clock: monotonic seconds.
        self._checked_at = 0.0
        # All messages sent before this have come by notice, or were found by a check.
        self._delivered_until: Instant = 0
        # Of the check that is under way.
        self._check_started_at: Instant = 0
        self._messages_since: Instant | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def admit(self, connection: UpdateReceiver, address: str) -> bool:
        """Register a socket. False: its address has too many open already."""
        limits, key = self._hullo.settings.rate_limits, rate_limit_key(address)
        with self._lock:
            count = self._open_by_address.get(key, 0)
            if limits.on and count >= limits.sockets_per_address:
                return False
            self._open_by_address[key] = count + 1
            self._connected[connection] = None
        return True

    def set_session(self, connection: UpdateReceiver, session: Session | None) -> bool:
        """Bring a socket the updates of this session from now on, and of no other. None: bring it none.

        False: its visitor has too many sockets open, and it gets no updates.
        """
        limits = self._hullo.settings.rate_limits
        with self._lock:
            # Race: an update may change the session of a socket that was removed a moment ago.
            if connection not in self._connected:
                return True
            self._remove_from_index(connection)
            others = self._by_visitor.get(session.visitor_id, ()) if session is not None else ()
            if limits.on and len(others) >= limits.sockets_per_visitor:
                self._connected[connection] = None
                return False
            self._connected[connection] = session
            if session is not None:
                self._by_visitor.setdefault(session.visitor_id, []).append(connection)
                if session.contact_id is not None:
                    self._by_contact.setdefault(session.contact_id, []).append(connection)
                # Only now: a process whose visitors are all anonymous needs no subscription and no thread.
                self._start_listening()
        return True

    def schedule_check(self, connection: UpdateReceiver) -> None:
        """Check a socket soon, before the others."""
        self._to_check.appendleft(connection)
        self._worker.wake()

    def remove(self, connection: UpdateReceiver, address: str) -> None:
        """Forget a closed socket. Harmless for one that was not admitted."""
        with self._lock:
            if connection not in self._connected:
                return
            self._remove_from_index(connection)
            del self._connected[connection]
            key = rate_limit_key(address)
            self._open_by_address[key] -= 1
            if not self._open_by_address[key]:
                del self._open_by_address[key]

    def close(self) -> None:
        """Ask every client to reconnect: the server ends."""
        with self._lock:
            self._stop_listening()
        for connection in tuple(self._connected):
            connection.close(RESTARTING)

    def receive(self, notices: Sequence[Notice]) -> None:
        """Queue notices. See `Subscriber`."""
        if not self._by_visitor:
            return
        # All of them are kept. Race: a notice earlier in the queue may be about to give a socket the contact that a
        # later one concerns.
        self._queued_notices.extend(notices)
        if len(self._queued_notices) > MAX_QUEUED_NOTICES:
            self._queued_notices.clear()
            self.handle_gap()
            return
        self._worker.wake()

    def handle_gap(self) -> None:
        """Have every socket checked for what was missed. See `Subscriber`."""
        self._notices_missed = True
        self._worker.wake()

    def _remove_from_index(self, connection: UpdateReceiver) -> None:
        session = self._connected[connection]
        if session is not None:
            _discard(self._by_visitor, session.visitor_id, connection)
            if session.contact_id is not None:
                _discard(self._by_contact, session.contact_id, connection)

    def _start_listening(self) -> None:
        if self._unsubscribe is None:
            self._checked_at = time.monotonic()
            self._delivered_until = self._check_started_at = self._hullo.clock()
            self._unsubscribe = self._hullo.bus.subscribe(self)
            self._worker.start()
            self._worker.wake()

    def _stop_listening(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            # Not waited for: the thread may be waiting for the lock that is held here.
            self._worker.stop(0)

    def _run_once(self) -> float:
        """Dispatch the notices, then check a group of sockets. Returns the seconds until the next run."""
        try:
            self._dispatch_notices()
            if not self._to_check and (self._notices_missed or self._seconds_until_check <= 0):
                self._start_check()
            self._check_next_group()
        except Exception:
            self._notices_missed = True  # the notices are off the queue: only a check can replace them
            raise
        # One group per run, so that notices wait for one group at most.
        return 0.0 if self._to_check else max(self._seconds_until_check, 0.0)

    @property
    def _seconds_until_check(self) -> float:
        # Clock: monotonic, since a wall clock that is set back would put the check off for as long.
        return self._checked_at + CHECK_INTERVAL - time.monotonic()

    def _start_check(self) -> None:
        self._checked_at, self._check_started_at = time.monotonic(), self._hullo.clock()
        # As long as no bus brings the notices of other processes, only checks find what they commit.
        unheard = self._hullo.store.shared_between_processes and not self._hullo.bus.is_connected
        if self._notices_missed or unheard:
            self._notices_missed = False
            # Clock: the wall clock may have been set back since the last check.
            self._messages_since = min(self._delivered_until, self._check_started_at) - OVERLAP
        else:
            self._messages_since = None
        with self._lock:
            self._to_check.extend(connection for connection, session in self._connected.items() if session is not None)
            if not self._connected:
                self._stop_listening()

    def _dispatch_notices(self) -> None:
        """Dispatch the queued notices in their order, those of sessions apart from those of messages.

        Sessions change in the event loops before the messages behind them are judged (H1).
        """
        notices = [self._queued_notices.popleft() for _ in range(len(self._queued_notices))]
        for _, group in groupby(notices, key=lambda notice: notice.kind == "session"):
            concerned = [(notice, connections) for notice in group if (connections := self._recipients(notice))]
            if concerned:
                self._dispatch(updates_from_notices(concerned, self._hullo.store, self._hullo.clock()))

    def _check_next_group(self) -> None:
        """Check the next group of sockets. Where the store is unavailable they stay queued."""
        group = [self._to_check.popleft() for _ in range(min(BATCH_SIZE, len(self._to_check)))]
        try:
            self._dispatch(updates_from_store(group, self._messages_since, self._hullo.store, self._hullo.clock()))
        except StoreUnavailable:
            self._to_check.extendleft(reversed(group))
            raise
        # Race: notices that were lost while this check ran are searched for by the next one, from the old time on. A
        # message may be older than the start of this check although its notice was lost afterwards.
        if not self._to_check and not self._notices_missed:
            self._delivered_until = self._check_started_at

    def _recipients(self, notice: Notice) -> Sequence[UpdateReceiver]:
        with self._lock:
            visitors = self._by_visitor.get(notice.visitor_id, ()) if notice.visitor_id is not None else ()
            contacts = self._by_contact.get(notice.contact_id, ()) if notice.contact_id is not None else ()
            return [*visitors, *contacts]

    def _dispatch(self, updates: Iterable[_Update]) -> None:
        """Hand updates over to the event loop of each socket, one call per loop, and wait until they are taken in."""
        by_loop: dict[object, tuple[EventLoopToken, list[_Update]]] = {}
        for connection, update in updates:
            if update.has_changes(connection.session):
                loop = connection.loop
                by_loop.setdefault(loop.native_token, (loop, []))[1].append((connection, update))
        for loop, group in by_loop.values():
            try:
                from_thread.run_sync(_deliver, group, token=loop)
            except RunFinishedError:
                continue  # the loop has ended, and its sockets with it


def _deliver(updates: Iterable[_Update]) -> None:
    for connection, update in updates:
        connection.receive_update(update)


def _discard(index: dict[str, list[UpdateReceiver]], key: str, connection: UpdateReceiver) -> None:
    connections = index.get(key, [])
    if connection in connections:
        connections.remove(connection)
    if not connections:
        index.pop(key, None)
