"""Claims about notices from one bus to another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.testing.bus.case import RecordingSubscriber, a_notice, make_notices, wait_until
from hullo.testing.bus.shared import SharedBusCase, subscribe_and_wait

DESCRIPTORS = Path("/dev/fd")

GARBAGE = (
    "",
    "nonsense",
    "[]",
    "{}",
    '[{"kind":"message"}]',
    "a b c",
    "0123456789abcdef 1 [",
    "0123456789abcdef 1 null",
    "0123456789abcdef x []",
    '0123456789abcdef 1 [{"kind":"dance"}]',
    # `²` is a digit to `str.isdigit`, and not to `int`.
    '0123456789abcdef ² [{"kind":"message"}]',
    "é" * 2_000,
    # Deep nesting: a decoder that recurses would end the bus's thread.
    "[" * 5_000,
    "0123456789abcdef 1 " + "[" * 5_000,
)


class CrossProcessTests(SharedBusCase):
    """See the module."""

    def test_bus_says_it_is_between_processes(self, bus: Bus) -> None:
        assert bus.is_cross_process

    def test_bus_says_whether_it_hears_others(self, bus: Bus) -> None:
        assert not bus.is_connected
        stop = bus.subscribe(RecordingSubscriber())
        assert wait_until(lambda: bus.is_connected)
        stop()
        assert not bus.is_connected

    def test_other_bus_hears_notices_once_in_order(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (_, ear):
            own = subscribe_and_wait(bus)
            published = make_notices(1_000)
            for notice in published[:300]:
                bus.publish([notice])
            # One by one and then many at once: a bus may carry the two in different ways.
            bus.publish(published[300:])
            assert ear.wait_for_notice(published[-1])
            assert ear.received == published
            # Its own do not come back: the other's notice would come after them.
            assert own.received == published

    def test_two_buses_hear_each_other(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (other, theirs):
            ours = subscribe_and_wait(bus)
            bus.publish([a_notice(1)])
            assert theirs.wait_for_notice(a_notice(1))
            other.publish([a_notice(2)])
            assert ours.wait_for_notice(a_notice(2))
            bus.publish([a_notice(3)])
            assert theirs.wait_for_notice(a_notice(3))
            assert ours.received == theirs.received == make_notices(3, first=1)

    def test_other_bus_reaches_all_its_listeners(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (other, first):
            second = RecordingSubscriber()
            other.subscribe(second)
            bus.publish([a_notice()])
            assert first.wait_for_notice(a_notice())
            assert second.wait_for_notice(a_notice())

    @pytest.mark.parametrize("kind", ["session", "message", "read"])
    def test_notice_arrives_unchanged(self, bus: Bus, tmp_path: Path, kind: str) -> None:
        # Quotes, a NUL and an emoji: what an encoding, or a server's text type, may lose.
        notice = Notice(kind=kind, visitor_id='é"\\\n\0 \U0001f44b', conversation_id="")  # type: ignore[arg-type]
        with self.second_bus(tmp_path) as (_, ear):
            # The second notice marks the end: a first one that was changed on the way would never be found.
            bus.publish([notice, Notice(kind="read")])
            assert ear.wait_for_notice(Notice(kind="read"))
            assert ear.received[0] == notice

    def test_publisher_alone_reaches_listener_alone(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (_, ear):
            bus.publish([a_notice()])
            assert ear.wait_for_notice(a_notice())

    def test_close_still_sends_published_notices(self, bus: Bus, tmp_path: Path) -> None:
        """A command that ends once its work is done is heard all the same."""
        with self.second_bus(tmp_path) as (_, ear):
            bus.publish([a_notice(1)])
            bus.close()
            assert ear.wait_for_notice(a_notice(1))

    def test_stopped_listener_hears_no_other_bus(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (other, kept):
            stopped = RecordingSubscriber()
            stop = other.subscribe(stopped)
            bus.publish([a_notice(1)])
            assert stopped.wait_for_notice(a_notice(1))
            stop()
            bus.publish([a_notice(2)])
            assert kept.wait_for_notice(a_notice(2))
            # Asked only when the other listener has heard it: before that, silence would prove nothing.
            assert stopped.received == [a_notice(1)]

    def test_late_listener_hears_after_last_one_stopped(self, bus: Bus, tmp_path: Path) -> None:
        other = self.make_bus(tmp_path)
        try:
            # The last listener stops, so the bus disconnects, and has to connect again for the next one.
            other.subscribe(RecordingSubscriber())()
            ear = subscribe_and_wait(other)
            bus.publish([a_notice()])
            assert ear.wait_for_notice(a_notice())
            assert ear.received == [a_notice()]
        finally:
            other.close()

    def test_reused_bus_hears_others_again(self, bus: Bus, tmp_path: Path) -> None:
        ear = subscribe_and_wait(bus)
        bus.close()
        later = subscribe_and_wait(bus)
        with self.second_bus(tmp_path) as (other, theirs):
            other.publish([a_notice(1)])
            assert ear.wait_for_notice(a_notice(1))
            assert later.wait_for_notice(a_notice(1))
            bus.publish([a_notice(2)])
            assert theirs.wait_for_notice(a_notice(2))

    def test_garbage_is_ignored_and_harmless(self, bus: Bus, tmp_path: Path) -> None:
        ear = subscribe_and_wait(bus)
        for text in GARBAGE:
            self.send_raw(tmp_path, text)
        with self.second_bus(tmp_path) as (other, _):
            other.publish([a_notice()])
            assert ear.wait_for_notice(a_notice())
        assert ear.received == [a_notice()]
        # One gap, that of the first connection: garbage must not make a bus connect again.
        assert ear.gap_count == 1

    def test_bus_holds_nothing_before_or_after_use(self, bus: Bus, tmp_path: Path) -> None:
        # What is opened once a process, by whatever it needs, is not counted.
        with self.second_bus(tmp_path) as (other, _):
            other.publish([a_notice()])
            other.close()
        before = _open_resources()
        # Reading the folder opens a descriptor itself, which must not count.
        assert not _open_resources() - before
        ear = subscribe_and_wait(bus)
        bus.publish([a_notice()])
        assert ear.received == [a_notice()]
        assert wait_until(lambda: bool(_open_resources() - before))
        bus.close()
        assert wait_until(lambda: not _open_resources() - before)

    def test_bus_holds_nothing_after_last_listener_stops(self, bus: Bus) -> None:
        before = _threads()
        stops: list[Callable[[], None]] = [bus.subscribe(RecordingSubscriber()), bus.subscribe(RecordingSubscriber())]
        assert _threads() - before
        for stop in stops:
            stop()
        assert wait_until(lambda: not _threads() - before)


def _threads() -> set[object]:
    return set(threading.enumerate())


def _open_resources() -> set[object]:
    """Every thread there is, and what is open: not how many, as what an earlier test has left may go at any time."""
    held = _threads()
    if DESCRIPTORS.exists():
        for descriptor in DESCRIPTORS.iterdir():
            # Race: a descriptor may be closed between the listing and this look.
            with suppress(OSError):
                held.add((descriptor.name, os.readlink(descriptor)))
    return held
