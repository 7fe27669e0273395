"""What all buses between processes have in common, over a server that does as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from hullo.bus.notice import NOTICE_BYTES, Notice, decoded, encoded
from hullo.testing.bus.case import PATIENCE, Ear, a_notice, comes_true, notices
from hullo_plugins.bus import telling
from hullo_plugins.bus.carried import CarriedBus
from hullo_plugins.bus.parcels import AROUND, SENDERS_KNOWN, Packer, Unpacker
from hullo_plugins.bus.telling import BATCH, MOST

LONGEST = 2_000


class Exchange:
    """A carrier without a server. `fail` is asked before each sending, and may raise."""

    where = "exchange"
    longest = LONGEST

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.connected = 0
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def connect_to_hear(self) -> Silence:
        return Silence()

    def connect_to_tell(self) -> Exchange:
        self.connected += 1
        return self

    def send(self, parcels: Sequence[bytes]) -> None:
        self.before()
        self.sent += parcels
        self.after()

    def close(self) -> None:
        pass

    def notices(self, unpacker: Unpacker | None = None) -> list[Notice]:
        unpacker = unpacker or Unpacker("")
        return [notice for parcel in self.sent for notice in unpacker.unpack(parcel).notices]


class Silence:
    """A connection over which nothing ever comes."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()

    def fileno(self) -> int:
        return self._ours.fileno()

    def arrived(self) -> Sequence[bytes]:
        return ()

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def bus(exchange: Exchange) -> Iterator[CarriedBus]:
    bus = CarriedBus(exchange)
    yield bus
    bus.close()


def raised_once(error: Exception) -> Callable[[], None]:
    errors = [error]

    def fail() -> None:
        if errors:
            raise errors.pop()

    return fail


# Parcels


def test_the_longest_notice_there_is_fits_into_what_is_promised():
    identifier = "x" * 30
    notice = Notice(
        kind="message", visitor_id=identifier, contact_id=identifier, conversation_id=identifier, message_id=identifier
    )
    assert len(encoded([notice])) < NOTICE_BYTES


def test_parcels_are_as_few_as_there_can_be_and_none_is_too_long():
    packed = list(Packer(LONGEST).pack(notices(100)))
    assert all(len(parcel) <= LONGEST for parcel in packed)
    assert [notice for parcel in packed for notice in decoded(parcel.split(b" ", 2)[2])] == notices(100)
    assert all(len(each) + len(encoded(notices(2))) > LONGEST - AROUND for each in packed[:-1])


def test_a_notice_that_fits_is_sent_at_any_length():
    """At the limit as on either side of it; what is too long is lost, and known to be."""
    failed = []
    for filled in range(LONGEST - AROUND - 60, LONGEST - AROUND + 60):
        long, packer = Notice(kind="read", visitor_id="x" * (filled - 70)), Packer(LONGEST)
        packed = list(packer.pack([a_notice(1), long, a_notice(2)]))
        unpacker = Unpacker("")
        heard = [notice for parcel in packed for notice in unpacker.unpack(parcel).notices]
        sent = [long] if len(encoded([long])) <= LONGEST - AROUND else []
        if max(map(len, packed)) > LONGEST or heard != [a_notice(1), *sent, a_notice(2)]:
            failed.append(filled)
    assert not failed


def test_a_parcel_that_comes_again_is_heard_once():
    packer, unpacker = Packer(LONGEST), Unpacker("")
    (first,) = packer.pack([a_notice(1)])
    (second,) = packer.pack([a_notice(2)])
    heard = [unpacker.unpack(parcel) for parcel in (first, first, second, first, second)]
    assert [list(each.notices) for each in heard] == [[a_notice(1)], [], [a_notice(2)], [], []]
    assert not any(each.gap for each in heard)


def test_what_is_missing_between_two_parcels_is_noticed():
    packer, unpacker = Packer(LONGEST), Unpacker("")
    first, _lost, third, fourth = (next(packer.pack([a_notice(number)])) for number in range(4))
    assert [unpacker.unpack(parcel).gap for parcel in (first, third, fourth)] == [False, True, False]


def test_what_a_sender_lost_before_its_first_parcel_is_noticed_too():
    packer, unpacker = Packer(LONGEST), Unpacker("")
    packer.skip()
    heard = [unpacker.unpack(parcel) for number in range(2) for parcel in packer.pack([a_notice(number)])]
    assert [each.gap for each in heard] == [True, False]


def test_senders_are_not_remembered_without_end():
    unpacker = Unpacker("")
    for number in range(SENDERS_KNOWN + 10):
        unpacker.unpack(f"{number:016x} 1 []")
    assert len(unpacker._last) == SENDERS_KNOWN
    assert unpacker.unpack(f'{SENDERS_KNOWN:016x} 1 [{{"kind":"read"}}]').notices == ()


# Telling


def test_what_waits_is_sent_together(bus: CarriedBus, exchange: Exchange):
    busy, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    exchange.before = wait
    bus.publish([a_notice(0)])
    assert busy.wait(PATIENCE)
    for notice in notices(5, first=1):
        bus.publish([notice])
    go_on.set()
    bus.close()
    assert len(exchange.sent) == 2
    assert exchange.notices() == notices(6)


def test_a_connection_that_was_closed_meanwhile_is_no_reason_for_a_warning(
    bus: CarriedBus, exchange: Exchange, caplog: pytest.LogCaptureFixture
):
    bus.publish([a_notice(1)])
    wait_for_sent(exchange, 1)
    exchange.before = raised_once(ConnectionError("it was closed"))
    bus.publish([a_notice(2)])
    bus.close()
    assert exchange.notices() == notices(2, first=1)
    assert exchange.connected == 2
    assert caplog.records == []


def test_what_was_sent_without_an_answer_is_sent_again_and_heard_once(bus: CarriedBus, exchange: Exchange):
    exchange.after = raised_once(ConnectionError("no answer"))
    bus.publish([a_notice(1)])
    wait_for_sent(exchange, 2)
    assert exchange.sent[0] == exchange.sent[1]
    assert exchange.notices() == [a_notice(1)]


def test_of_more_than_can_be_carried_the_newest_are_and_others_know(
    bus: CarriedBus, exchange: Exchange, caplog: pytest.LogCaptureFixture
):
    busy, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    exchange.before = wait
    bus.publish([a_notice(0)])
    assert busy.wait(PATIENCE)
    flood = notices(2 * MOST, first=1)
    for at in range(0, len(flood), BATCH):
        bus.publish(flood[at : at + BATCH])
    go_on.set()
    bus.publish([])
    bus.close()
    unpacker = Unpacker("")
    unpacked = [unpacker.unpack(parcel) for parcel in exchange.sent]
    assert [notice for each in unpacked for notice in each.notices] == [a_notice(0), *flood[-MOST:]]
    assert [each.gap for each in unpacked].count(True) == 1
    assert [record.name for record in caplog.records] == ["hullo.bus"], "it is said once"


def test_closing_waits_for_no_server_that_hangs(bus: CarriedBus, exchange: Exchange, monkeypatch):
    monkeypatch.setattr(telling, "PATIENCE", 0.01)
    go_on = threading.Event()
    exchange.before = lambda: go_on.wait(PATIENCE) and None
    bus.publish([a_notice()])
    bus.close()
    assert exchange.sent == []
    go_on.set()


def test_a_listener_may_close_the_bus_that_tells_it(bus: CarriedBus):
    class Closing(Ear):
        def missed(self) -> None:
            bus.close()
            super().missed()

    ear = Closing()
    bus.listen(ear)
    assert ear.has_missed()


def wait_for_sent(exchange: Exchange, count: int) -> None:
    assert comes_true(lambda: len(exchange.sent) == count)
