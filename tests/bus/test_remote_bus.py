"""What all buses between processes have in common, over a transport without a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from hullo.bus.notice import MAX_NOTICE_BYTES, Notice, decode_notices, encode_notices
from hullo.testing.bus.case import TIMEOUT, RecordingSubscriber, a_notice, make_notices, wait_until
from hullo_plugins.bus import threads
from hullo_plugins.bus.framing import FRAME_OVERHEAD, MAX_SENDERS, Decoder, Encoder
from hullo_plugins.bus.remote_bus import RemoteBus
from hullo_plugins.bus.threads import BATCH_SIZE, MAX_QUEUED
from hullo_plugins.bus.transport import Send

LONGEST = 2_000


class Exchange:
    """A transport without a server. `fail` is asked before each sending, and may raise."""

    redacted_url = "exchange"
    max_frame_bytes = LONGEST

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.connected = 0
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    @contextmanager
    def subscribe(self) -> Iterator[Silence]:
        with Silence() as silence:
            yield silence

    @contextmanager
    def publish(self) -> Iterator[Send]:
        self.connected += 1
        yield self.send

    def send(self, frames: Sequence[bytes]) -> None:
        self.before()
        self.sent += frames
        self.after()

    def notices(self, decoder: Decoder | None = None) -> list[Notice]:
        decoder = decoder or Decoder("")
        return [notice for frame in self.sent for notice in decoder.decode(frame).notices]


class Silence:
    """A connection over which nothing ever comes."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()

    def fileno(self) -> int:
        return self._ours.fileno()

    def receive(self) -> Sequence[bytes]:
        return ()

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def bus(exchange: Exchange) -> Iterator[RemoteBus]:
    bus = RemoteBus(exchange)
    yield bus
    bus.close()


def raised_once(error: Exception) -> Callable[[], None]:
    errors = [error]

    def fail() -> None:
        if errors:
            raise errors.pop()

    return fail


# Frames


def test_longest_notice_fits_the_size_limit():
    identifier = "x" * 30
    notice = Notice(
        kind="message", visitor_id=identifier, contact_id=identifier, conversation_id=identifier, message_id=identifier
    )
    assert len(encode_notices([notice])) < MAX_NOTICE_BYTES


def test_frames_are_few_and_within_the_limit():
    packed = list(Encoder(LONGEST).encode(make_notices(100)))
    assert all(len(frame) <= LONGEST for frame in packed)
    assert [notice for frame in packed for notice in decode_notices(frame.split(b" ", 2)[2])] == make_notices(100)
    assert all(len(frame) + len(encode_notices(make_notices(2))) > LONGEST - FRAME_OVERHEAD for frame in packed[:-1])


def test_notice_within_the_limit_is_sent():
    """At the limit as on either side of it; what is too long is lost, and known to be."""
    failed = []
    for filled in range(LONGEST - FRAME_OVERHEAD - 60, LONGEST - FRAME_OVERHEAD + 60):
        long, encoder = Notice(kind="read", visitor_id="x" * (filled - 70)), Encoder(LONGEST)
        packed = list(encoder.encode([a_notice(1), long, a_notice(2)]))
        decoder = Decoder("")
        heard = [notice for frame in packed for notice in decoder.decode(frame).notices]
        sent = [long] if len(encode_notices([long])) <= LONGEST - FRAME_OVERHEAD else []
        if max(map(len, packed)) > LONGEST or heard != [a_notice(1), *sent, a_notice(2)]:
            failed.append(filled)
    assert not failed


def test_repeated_frame_is_heard_once():
    encoder, decoder = Encoder(LONGEST), Decoder("")
    (first,) = encoder.encode([a_notice(1)])
    (second,) = encoder.encode([a_notice(2)])
    heard = [decoder.decode(frame) for frame in (first, first, second, first, second)]
    assert [list(frame.notices) for frame in heard] == [[a_notice(1)], [], [a_notice(2)], [], []]
    assert not any(frame.gap for frame in heard)


def test_gap_between_frames_is_noticed():
    encoder, decoder = Encoder(LONGEST), Decoder("")
    first, _lost, third, fourth = (next(encoder.encode([a_notice(number)])) for number in range(4))
    assert [decoder.decode(frame).gap for frame in (first, third, fourth)] == [False, True, False]


def test_loss_before_first_frame_is_noticed():
    encoder, decoder = Encoder(LONGEST), Decoder("")
    encoder.mark_gap()
    heard = [decoder.decode(frame) for number in range(2) for frame in encoder.encode([a_notice(number)])]
    assert [frame.gap for frame in heard] == [True, False]


def test_remembered_senders_are_limited():
    decoder = Decoder("")
    for number in range(MAX_SENDERS + 10):
        decoder.decode(f"{number:016x} 1 []")
    assert len(decoder._last) == MAX_SENDERS
    assert decoder.decode(f'{MAX_SENDERS:016x} 1 [{{"kind":"read"}}]').notices == ()


# Publishing


def test_waiting_notices_are_sent_together(bus: RemoteBus, exchange: Exchange):
    busy, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go_on.wait(TIMEOUT)

    exchange.before = wait
    bus.publish([a_notice(0)])
    assert busy.wait(TIMEOUT)
    for notice in make_notices(5, first=1):
        bus.publish([notice])
    go_on.set()
    bus.close()
    assert len(exchange.sent) == 2
    assert exchange.notices() == make_notices(6)


def test_closed_connection_reconnects_without_a_warning(
    bus: RemoteBus, exchange: Exchange, caplog: pytest.LogCaptureFixture
):
    bus.publish([a_notice(1)])
    wait_for_sent(exchange, 1)
    exchange.before = raised_once(ConnectionError("it was closed"))
    bus.publish([a_notice(2)])
    bus.close()
    assert exchange.notices() == make_notices(2, first=1)
    assert exchange.connected == 2
    assert caplog.records == []


def test_unconfirmed_frame_is_resent_and_heard_once(bus: RemoteBus, exchange: Exchange):
    exchange.after = raised_once(ConnectionError("no answer"))
    bus.publish([a_notice(1)])
    wait_for_sent(exchange, 2)
    assert exchange.sent[0] == exchange.sent[1]
    assert exchange.notices() == [a_notice(1)]


def test_overflow_keeps_newest_and_reports_the_loss(
    bus: RemoteBus, exchange: Exchange, caplog: pytest.LogCaptureFixture
):
    busy, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go_on.wait(TIMEOUT)

    exchange.before = wait
    bus.publish([a_notice(0)])
    assert busy.wait(TIMEOUT)
    flood = make_notices(2 * MAX_QUEUED, first=1)
    for at in range(0, len(flood), BATCH_SIZE):
        bus.publish(flood[at : at + BATCH_SIZE])
    go_on.set()
    bus.publish([])
    bus.close()
    decoder = Decoder("")
    decoded = [decoder.decode(frame) for frame in exchange.sent]
    assert [notice for frame in decoded for notice in frame.notices] == [a_notice(0), *flood[-MAX_QUEUED:]]
    assert [frame.gap for frame in decoded].count(True) == 1
    assert [record.name for record in caplog.records] == ["hullo.bus"], "it is said once"


def test_closing_does_not_wait_for_hanging_server(bus: RemoteBus, exchange: Exchange, monkeypatch):
    monkeypatch.setattr(threads, "JOIN_TIMEOUT", 0.01)
    go_on = threading.Event()
    exchange.before = lambda: go_on.wait(TIMEOUT) and None
    bus.publish([a_notice()])
    bus.close()
    assert exchange.sent == []
    go_on.set()


def test_listener_may_close_its_own_bus(bus: RemoteBus):
    class Closing(RecordingSubscriber):
        def handle_gap(self) -> None:
            bus.close()
            super().handle_gap()

    ear = Closing()
    bus.subscribe(ear)
    assert ear.wait_for_gap()


def wait_for_sent(exchange: Exchange, count: int) -> None:
    assert wait_until(lambda: len(exchange.sent) == count)
