"""Claims about what one bus tells the listeners of its own process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.testing.bus.case import PATIENCE, BusCase, Ear, a_notice, notices


class SpeakingClaims(BusCase):
    """See the module."""

    def test_it_keeps_the_protocol(self, bus: Bus) -> None:
        assert isinstance(bus, Bus)

    def test_every_listener_has_heard_when_publishing_returns(self, bus: Bus) -> None:
        ears = [Ear(), Ear()]
        for ear in ears:
            bus.listen(ear)
        published = notices(200)
        bus.publish(published[:1])
        bus.publish(published[1:])
        assert [ear.heard for ear in ears] == [published, published]

    def test_a_listener_that_stopped_hears_nothing(self, bus: Bus) -> None:
        stopped, other = Ear(), Ear()
        stop = bus.listen(stopped)
        bus.listen(other)
        bus.publish([a_notice(1)])
        stop()
        bus.publish([a_notice(2)])
        assert stopped.heard == [a_notice(1)]
        assert other.heard == [a_notice(1), a_notice(2)]

    def test_to_stop_twice_is_to_stop_once(self, bus: Bus) -> None:
        ear = Ear()
        bus.listen(ear)()
        again = bus.listen(ear)
        stop = bus.listen(Ear())
        stop()
        stop()
        bus.publish([a_notice()])
        assert ear.heard == [a_notice()]
        again()

    def test_a_listener_that_raises_harms_nobody(self, bus: Bus) -> None:
        ear = Ear()
        bus.listen(_Faulty())
        bus.listen(ear)
        bus.publish([a_notice(1)])
        bus.publish([a_notice(2)])
        assert ear.heard == [a_notice(1), a_notice(2)]

    def test_a_listener_may_publish_and_stop_while_it_hears(self, bus: Bus) -> None:
        ear, once = Ear(), _Once(lambda: bus.publish([a_notice(2)]))
        bus.listen(ear)
        once.stop = bus.listen(once)
        thread = threading.Thread(target=bus.publish, args=([a_notice(1)],), daemon=True)
        thread.start()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "it waits for itself"
        bus.publish([a_notice(3)])
        assert ear.heard == [a_notice(1), a_notice(2), a_notice(3)]
        assert once.heard == 1

    def test_it_is_nothing_to_publish_where_nobody_listens(self, bus: Bus) -> None:
        bus.publish([a_notice(1)])
        ear = Ear()
        bus.listen(ear)
        bus.publish([])
        assert ear.heard == []

    def test_threads_are_heard_each_in_its_order(self, bus: Bus) -> None:
        ear = Ear()
        bus.listen(ear)
        count, size = 4, 200
        ready = threading.Barrier(count)

        def publish(first: int) -> None:
            ready.wait(PATIENCE)
            for notice in notices(size, first):
                bus.publish([notice])

        threads = [threading.Thread(target=publish, args=(number * size,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        for number in range(count):
            own = notices(size, number * size)
            assert [notice for notice in ear.heard if notice in own] == own

    @pytest.mark.parametrize("times", [1, 2])
    def test_what_was_closed_can_be_used_again(self, bus: Bus, times: int) -> None:
        ear = Ear()
        bus.listen(ear)
        bus.publish([a_notice(1)])
        for _ in range(times):
            bus.close()
        later = Ear()
        bus.listen(later)
        bus.publish([a_notice(2)])
        assert ear.heard == [a_notice(1), a_notice(2)]
        assert later.heard == [a_notice(2)]


class _Faulty:
    """Against all promises."""

    def hear(self, notices: Sequence[Notice]) -> None:  # noqa: ARG002 - what a listener is handed
        raise RuntimeError("it cannot hear")

    def missed(self) -> None:
        raise RuntimeError("it has missed something")


class _Once:
    """Stops with what it hears first, and answers to it."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer
        self.stop: Callable[[], None] = lambda: None
        self.heard = 0

    def hear(self, notices: Sequence[Notice]) -> None:  # noqa: ARG002 - what a listener is handed
        self.heard += 1
        self.stop()
        self._answer()

    def missed(self) -> None:
        """Is of no interest."""
