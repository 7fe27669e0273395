"""Who is connected, and what they are told: the sockets of this process, and word from all of them.

One thread hears the bus, asks the store what each socket may know by now, and hands it over to the event loops. It
asks about everybody every half a minute too: notices may be lost, sessions end by the clock, and no notice tells that
an app has changed its origins.
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
from hullo.realtime.close_codes import BAD_ORIGIN, RESTARTING, SESSION_REVOKED
from hullo.realtime.updates import ConnectionUpdate, is_session_changed, updates_from_notices, updates_from_store

if TYPE_CHECKING:
    from hullo.application import Hullo
    from hullo.realtime.connection import Connection


CHECK_INTERVAL: Final = 30.0
"""Seconds between looks at everybody."""
MAX_QUEUED_NOTICES: Final = 10_000
"""More than these are not kept: everybody is looked at instead."""
OVERLAP: Final[Instant] = 45 * SECOND
"""So much of what was said before is looked at again: a bus that falls silent without a word is noticed some half a
minute later, and the clocks of processes differ. Nobody is told of anything twice."""


class ConnectionRegistry:
    """The sockets of one edge. Its methods are for the event loops, but for `hear` and `missed`."""

    def __init__(self, hullo: Hullo) -> None:
        self._hullo = hullo
        self._worker = BackgroundWorker("sockets", self._run_once)
        self._lock = threading.Lock()
        self._connected: dict[Connection, None] = {}
        self._by_visitor: dict[VisitorId, list[Connection]] = {}
        self._by_contact: dict[ContactId, list[Connection]] = {}
        self._open_by_address: dict[str, int] = {}
        self._queued_notices: deque[Notice] = deque()
        self._to_check: deque[Connection] = deque()
        self._checked_at = 0.0
        self._notices_missed = False
        # Everything that was said before this has been heard, or found by looking.
        self._delivered_until: Instant = 0
        # Of the look that is under way.
        self._check_started_at: Instant = 0
        self._messages_since: Instant | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def admit(self, connection: Connection, address: str) -> bool:
        """Whether there is room for one more socket of this address."""
        limits, key = self._hullo.settings.rate_limits, rate_limit_key(address)
        with self._lock:
            count = self._open_by_address.get(key, 0)
            if limits.on and count >= limits.sockets_per_address:
                return False
            self._open_by_address[key] = count + 1
            self._connected[connection] = None
        return True

    def set_session(self, connection: Connection, session: Session | None) -> None:
        """The connection is of this session from now on, and of no other; None: of nobody's."""
        with self._lock:
            self._remove_from_index(connection)
            connection.session = session
            if session is not None:
                self._by_visitor.setdefault(session.visitor_id, []).append(connection)
                if session.contact_id is not None:
                    self._by_contact.setdefault(session.contact_id, []).append(connection)
                self._start_listening()

    def schedule_check(self, connection: Connection) -> None:
        """It is looked at soon, whatever is heard."""
        self._to_check.appendleft(connection)
        self._worker.wake()

    def remove(self, connection: Connection, address: str) -> None:
        """It is closed. Harmless for one that was not admitted."""
        with self._lock:
            if connection not in self._connected:
                return
            del self._connected[connection]
            self._remove_from_index(connection)
            key = rate_limit_key(address)
            self._open_by_address[key] -= 1
            if not self._open_by_address[key]:
                del self._open_by_address[key]

    def close(self) -> None:
        """The server ends: everybody is told to come back."""
        with self._lock:
            self._stop_listening()
        for connection in tuple(self._connected):
            connection.close(RESTARTING)

    def receive(self, notices: Sequence[Notice]) -> None:
        """See `Listener`."""
        if not self._by_visitor:
            return
        # Whom a message concerns is not known yet: somebody may have become another person a notice before it.
        self._queued_notices.extend(notices)
        if len(self._queued_notices) > MAX_QUEUED_NOTICES:
            self._queued_notices.clear()
            self.handle_gap()
            return
        self._worker.wake()

    def handle_gap(self) -> None:
        """See `Listener`."""
        self._notices_missed = True
        self._worker.wake()

    def _remove_from_index(self, connection: Connection) -> None:
        session = connection.session
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
            self._worker.stop(0)

    def _run_once(self) -> float:
        """Notices first, and then a part of those who are looked at in any case."""
        try:
            self._dispatch_notices()
            if not self._to_check and (self._notices_missed or self._seconds_until_check <= 0):
                self._start_check()
            self._check_next_group()
        except Exception:
            self._notices_missed = True  # what was heard is lost
            raise
        return 0.0 if self._to_check else max(self._seconds_until_check, 0.0)

    @property
    def _seconds_until_check(self) -> float:
        """Seconds. By a clock that nobody sets back."""
        return self._checked_at + CHECK_INTERVAL - time.monotonic()

    def _start_check(self) -> None:
        self._checked_at, self._check_started_at = time.monotonic(), self._hullo.clock()
        # What was said in other processes is found by looking alone, as long as no bus brings word of it.
        unheard = self._hullo.store.shared_between_processes and not self._hullo.bus.is_connected
        if self._notices_missed or unheard:
            self._notices_missed = False
            self._messages_since = min(self._delivered_until, self._check_started_at) - OVERLAP
        else:
            self._messages_since = None
        with self._lock:
            self._to_check.extend(each for each in self._connected if each.session is not None)
            if not self._connected:
                self._stop_listening()

    def _dispatch_notices(self) -> None:
        """Those of a kind together, and in their order: who is who is clear before anything is told to them."""
        notices = [self._queued_notices.popleft() for _ in range(len(self._queued_notices))]
        for _, alike in groupby(notices, key=lambda notice: notice.kind == "session"):
            concerned = [(notice, connections) for notice in alike if (connections := self._recipients(notice))]
            if concerned:
                self._dispatch(updates_from_notices(concerned, self._hullo.store, self._hullo.clock()))

    def _check_next_group(self) -> None:
        """Looks at the next group of those who wait for it; once more, where the store was away."""
        group = [self._to_check.popleft() for _ in range(min(BATCH_SIZE, len(self._to_check)))]
        try:
            self._dispatch(updates_from_store(group, self._messages_since, self._hullo.store, self._hullo.clock()))
        except StoreUnavailable:
            self._to_check.extendleft(reversed(group))
            raise
        if not self._to_check:
            self._delivered_until = self._check_started_at

    def _recipients(self, notice: Notice) -> Sequence[Connection]:
        with self._lock:
            visitors = self._by_visitor.get(notice.visitor_id, ()) if notice.visitor_id is not None else ()
            contacts = self._by_contact.get(notice.contact_id, ()) if notice.contact_id is not None else ()
            return [*visitors, *contacts]

    def _dispatch(self, updates: Iterable[ConnectionUpdate]) -> None:
        by_loop: dict[object, tuple[EventLoopToken, list[ConnectionUpdate]]] = {}
        for each in updates:
            if each.has_changes:
                loop = each.connection.loop
                by_loop.setdefault(loop.native_token, (loop, []))[1].append(each)
        for loop, theirs in by_loop.values():
            try:
                from_thread.run_sync(self._apply_updates, theirs, token=loop)
            except RunFinishedError:
                continue  # with its sockets

    def _apply_updates(self, updates: Iterable[ConnectionUpdate]) -> None:
        """In the event loop of the connections."""
        for connection, asked_about, judged, messages, marks, welcome in updates:
            session = connection.session
            if session is None or session.digest != asked_about:
                continue  # it has gone on with another session meanwhile, and was told what there is
            if judged.session is None:
                if not connection.defer_session_check():
                    connection.close(SESSION_REVOKED)
                continue
            if not welcome:
                connection.close(BAD_ORIGIN)
                continue
            if is_session_changed(session, judged.session):
                self.set_session(connection, judged.session)
            connection.enqueue_updates(messages, marks)


def _discard(index: dict[str, list[Connection]], key: str, connection: Connection) -> None:
    theirs = index.get(key, [])
    if connection in theirs:
        theirs.remove(connection)
    if not theirs:
        index.pop(key, None)
