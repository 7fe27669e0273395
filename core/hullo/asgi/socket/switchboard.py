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

from hullo.asgi.address import counted_as
from hullo.asgi.socket.closing import BAD_ORIGIN, SERVER_RESTARTS, SESSION_REVOKED
from hullo.asgi.socket.news import News, differs, news_by_looking, news_of
from hullo.bus.notice import Notice
from hullo.errors import StoreUnavailable
from hullo.model.contact import ContactId
from hullo.model.instant import SECOND, Instant
from hullo.model.visitor import Session, VisitorId
from hullo.pipeline.attention import GROUP
from hullo.pipeline.rounds import Rounds

if TYPE_CHECKING:
    from hullo.app import Hullo
    from hullo.asgi.socket.connection import Connection


LOOK_EVERY: Final = 30.0
"""Seconds between looks at everybody."""
NOTICES_WAITING: Final = 10_000
"""More than these are not kept: everybody is looked at instead."""
OVERLAP: Final[Instant] = 45 * SECOND
"""So much of what was said before is looked at again: a bus that falls silent without a word is noticed some half a
minute later, and the clocks of processes differ. Nobody is told of anything twice."""


class Switchboard:
    """The sockets of one edge. Its methods are for the event loops, but for `hear` and `missed`."""

    def __init__(self, hullo: Hullo) -> None:
        self._hullo = hullo
        self._rounds = Rounds("sockets", self._go_round)
        self._changing = threading.Lock()
        self._connected: dict[Connection, None] = {}
        self._by_visitor: dict[VisitorId, list[Connection]] = {}
        self._by_contact: dict[ContactId, list[Connection]] = {}
        self._open_by_address: dict[str, int] = {}
        self._heard: deque[Notice] = deque()
        self._to_look_at: deque[Connection] = deque()
        self._looked_at = 0.0
        self._cut_off = False
        # Everything that was said before this has been heard, or found by looking.
        self._told_until: Instant = 0
        # Of the look that is under way.
        self._began: Instant = 0
        self._said_since: Instant | None = None
        self._stop_listening: Callable[[], None] | None = None

    def admit(self, connection: Connection, address: str) -> bool:
        """Whether there is room for one more socket of this address."""
        limits, key = self._hullo.settings.rate_limits, counted_as(address)
        with self._changing:
            count = self._open_by_address.get(key, 0)
            if limits.on and count >= limits.sockets_per_address:
                return False
            self._open_by_address[key] = count + 1
            self._connected[connection] = None
        return True

    def connect(self, connection: Connection, session: Session | None) -> None:
        """The connection is of this session from now on, and of no other; None: of nobody's."""
        with self._changing:
            self._unlist(connection)
            connection.session = session
            if session is not None:
                self._by_visitor.setdefault(session.visitor_id, []).append(connection)
                if session.contact_id is not None:
                    self._by_contact.setdefault(session.contact_id, []).append(connection)
                self._listen()

    def look_at(self, connection: Connection) -> None:
        """It is looked at soon, whatever is heard."""
        self._to_look_at.appendleft(connection)
        self._rounds.nudge()

    def remove(self, connection: Connection, address: str) -> None:
        """It is closed. Harmless for one that was not admitted."""
        with self._changing:
            if connection not in self._connected:
                return
            del self._connected[connection]
            self._unlist(connection)
            key = counted_as(address)
            self._open_by_address[key] -= 1
            if not self._open_by_address[key]:
                del self._open_by_address[key]

    def close(self) -> None:
        """The server ends: everybody is told to come back."""
        with self._changing:
            self._stop()
        for connection in tuple(self._connected):
            connection.end(SERVER_RESTARTS)

    def hear(self, notices: Sequence[Notice]) -> None:
        """See `Listener`."""
        if not self._by_visitor:
            return
        # Whom a message concerns is not known yet: somebody may have become another person a notice before it.
        self._heard.extend(notices)
        if len(self._heard) > NOTICES_WAITING:
            self._heard.clear()
            self.missed()
            return
        self._rounds.nudge()

    def missed(self) -> None:
        """See `Listener`."""
        self._cut_off = True
        self._rounds.nudge()

    def _unlist(self, connection: Connection) -> None:
        session = connection.session
        if session is not None:
            _take_out(self._by_visitor, session.visitor_id, connection)
            if session.contact_id is not None:
                _take_out(self._by_contact, session.contact_id, connection)

    def _listen(self) -> None:
        if self._stop_listening is None:
            self._looked_at = time.monotonic()
            self._told_until = self._began = self._hullo.clock()
            self._stop_listening = self._hullo.bus.listen(self)
            self._rounds.begin()
            self._rounds.nudge()

    def _stop(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
            self._rounds.end(0)

    def _go_round(self) -> float:
        """Notices first, and then a part of those who are looked at in any case."""
        try:
            self._tell_of_notices()
            if not self._to_look_at and (self._cut_off or self._until_look <= 0):
                self._begin_to_look()
            self._look()
        except Exception:
            self._cut_off = True  # what was heard is lost
            raise
        return 0.0 if self._to_look_at else max(self._until_look, 0.0)

    @property
    def _until_look(self) -> float:
        """Seconds. By a clock that nobody sets back."""
        return self._looked_at + LOOK_EVERY - time.monotonic()

    def _begin_to_look(self) -> None:
        self._looked_at, self._began = time.monotonic(), self._hullo.clock()
        # What was said in other processes is found by looking alone, as long as no bus brings word of it.
        unheard = self._hullo.store.shared_between_processes and not self._hullo.bus.hearing
        if self._cut_off or unheard:
            self._cut_off = False
            self._said_since = min(self._told_until, self._began) - OVERLAP
        else:
            self._said_since = None
        with self._changing:
            self._to_look_at.extend(each for each in self._connected if each.session is not None)
            if not self._connected:
                self._stop()

    def _tell_of_notices(self) -> None:
        """Those of a kind together, and in their order: who is who is clear before anything is told to them."""
        notices = [self._heard.popleft() for _ in range(len(self._heard))]
        for _, alike in groupby(notices, key=lambda notice: notice.kind == "session"):
            concerned = [(notice, connections) for notice in alike if (connections := self._concerned(notice))]
            if concerned:
                self._hand_over(news_of(concerned, self._hullo.store, self._hullo.clock()))

    def _look(self) -> None:
        """Looks at the next group of those who wait for it; once more, where the store was away."""
        group = [self._to_look_at.popleft() for _ in range(min(GROUP, len(self._to_look_at)))]
        try:
            self._hand_over(news_by_looking(group, self._said_since, self._hullo.store, self._hullo.clock()))
        except StoreUnavailable:
            self._to_look_at.extendleft(reversed(group))
            raise
        if not self._to_look_at:
            self._told_until = self._began

    def _concerned(self, notice: Notice) -> Sequence[Connection]:
        with self._changing:
            visitors = self._by_visitor.get(notice.visitor_id, ()) if notice.visitor_id is not None else ()
            contacts = self._by_contact.get(notice.contact_id, ()) if notice.contact_id is not None else ()
            return [*visitors, *contacts]

    def _hand_over(self, news: Iterable[News]) -> None:
        by_loop: dict[object, tuple[EventLoopToken, list[News]]] = {}
        for each in news:
            if each.worth_telling:
                loop = each.connection.loop
                by_loop.setdefault(loop.native_token, (loop, []))[1].append(each)
        for loop, theirs in by_loop.values():
            try:
                from_thread.run_sync(self._take, theirs, token=loop)
            except RunFinishedError:
                continue  # with its sockets

    def _take(self, news: Iterable[News]) -> None:
        """In the event loop of the connections."""
        for connection, asked_about, judged, messages, marks, welcome in news:
            session = connection.session
            if session is None or session.digest != asked_about:
                continue  # it has gone on with another session meanwhile, and was told what there is
            if judged.session is None:
                if not connection.doubts():
                    connection.end(SESSION_REVOKED)
                continue
            if not welcome:
                connection.end(BAD_ORIGIN)
                continue
            if differs(session, judged.session):
                self.connect(connection, judged.session)
            connection.tell_news(messages, marks)


def _take_out(listed: dict[str, list[Connection]], key: str, connection: Connection) -> None:
    theirs = listed.get(key, [])
    if connection in theirs:
        theirs.remove(connection)
    if not theirs:
        listed.pop(key, None)
