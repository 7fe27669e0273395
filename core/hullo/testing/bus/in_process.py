"""Claims about notices to listeners in the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.testing.bus.case import TIMEOUT, BusCase, RecordingSubscriber, a_notice, make_notices


class InProcessTests(BusCase):
    """See the module."""

    def test_bus_keeps_the_protocol(self, bus: Bus) -> None:
        assert isinstance(bus, Bus)

    def test_publish_returns_after_every_listener_heard(self, bus: Bus) -> None:
        ears = [RecordingSubscriber(), RecordingSubscriber()]
        for ear in ears:
            bus.subscribe(ear)
        published = make_notices(200)
        bus.publish(published[:1])
        bus.publish(published[1:])
        assert [ear.received for ear in ears] == [published, published]

    def test_stopped_listener_hears_nothing(self, bus: Bus) -> None:
        stopped, other = RecordingSubscriber(), RecordingSubscriber()
        stop = bus.subscribe(stopped)
        bus.subscribe(other)
        bus.publish([a_notice(1)])
        stop()
        bus.publish([a_notice(2)])
        assert stopped.received == [a_notice(1)]
        assert other.received == [a_notice(1), a_notice(2)]

    def test_stopping_twice_equals_stopping_once(self, bus: Bus) -> None:
        ear = RecordingSubscriber()
        bus.subscribe(ear)()
        # The same subscriber again: a second stop of the first ticket must not remove it.
        again = bus.subscribe(ear)
        stop = bus.subscribe(RecordingSubscriber())
        stop()
        stop()
        bus.publish([a_notice()])
        assert ear.received == [a_notice()]
        again()

    def test_raising_listener_leaves_others_hearing(self, bus: Bus) -> None:
        ear = RecordingSubscriber()
        # First, so that it fails before the other one is called.
        bus.subscribe(_FailingSubscriber())
        bus.subscribe(ear)
        bus.publish([a_notice(1)])
        bus.publish([a_notice(2)])
        assert ear.received == [a_notice(1), a_notice(2)]

    def test_listener_may_publish_and_stop_while_hearing(self, bus: Bus) -> None:
        ear, once = RecordingSubscriber(), _OneShotSubscriber(lambda: bus.publish([a_notice(2)]))
        bus.subscribe(ear)
        once.stop = bus.subscribe(once)
        # In a thread: a bus that holds a lock during the call would hang the whole test run.
        thread = threading.Thread(target=bus.publish, args=([a_notice(1)],), daemon=True)
        thread.start()
        thread.join(TIMEOUT)
        assert not thread.is_alive(), "it waits for itself"
        bus.publish([a_notice(3)])
        assert ear.received == [a_notice(1), a_notice(2), a_notice(3)]
        assert once.received_count == 1

    def test_publish_without_listeners_does_nothing(self, bus: Bus) -> None:
        bus.publish([a_notice(1)])
        ear = RecordingSubscriber()
        bus.subscribe(ear)
        bus.publish([])
        assert ear.received == []

    def test_threads_are_heard_each_in_order(self, bus: Bus) -> None:
        ear = RecordingSubscriber()
        bus.subscribe(ear)
        count, size = 4, 200
        # A barrier: without it the first thread may be done before the last one starts.
        ready = threading.Barrier(count)

        def publish(first: int) -> None:
            ready.wait(TIMEOUT)
            for notice in make_notices(size, first):
                bus.publish([notice])

        threads = [threading.Thread(target=publish, args=(number * size,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        for number in range(count):
            # The order counts within one thread: between threads there is none.
            own = make_notices(size, number * size)
            assert [notice for notice in ear.received if notice in own] == own

    @pytest.mark.parametrize("times", [1, 2])
    def test_closed_bus_can_be_used_again(self, bus: Bus, times: int) -> None:
        ear = RecordingSubscriber()
        bus.subscribe(ear)
        bus.publish([a_notice(1)])
        for _ in range(times):
            bus.close()
        later = RecordingSubscriber()
        bus.subscribe(later)
        bus.publish([a_notice(2)])
        assert ear.received == [a_notice(1), a_notice(2)]
        assert later.received == [a_notice(2)]


class _FailingSubscriber:
    """Against all promises."""

    def receive(self, notices: Sequence[Notice]) -> None:  # noqa: ARG002 - what a listener is handed
        raise RuntimeError("it cannot hear")

    def handle_gap(self) -> None:
        raise RuntimeError("it has missed something")


class _OneShotSubscriber:
    """Stops with what it hears first, and answers to it."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer
        self.stop: Callable[[], None] = lambda: None
        self.received_count = 0

    def receive(self, notices: Sequence[Notice]) -> None:  # noqa: ARG002 - what a listener is handed
        self.received_count += 1
        self.stop()
        self._answer()

    def handle_gap(self) -> None:
        """Is of no interest."""
