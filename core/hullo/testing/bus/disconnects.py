"""Claims about a bus whose server cannot be reached."""

from __future__ import annotations

import logging
import time
import weakref
from pathlib import Path

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.testing.bus.case import RecordingSubscriber, a_notice, make_notices, wait_until
from hullo.testing.bus.shared import SharedBusCase, subscribe_and_wait

MAX_SECONDS = 2.0
"""Seconds: far more than it takes, and far less than anybody waits for a server."""
FLOOD = 200_000


class DisconnectTests(SharedBusCase):
    """See the module."""

    def test_unreachable_server_leaves_local_bus_working(self, bus: Bus, tmp_path: Path) -> None:
        self.disconnect(tmp_path)
        ear = RecordingSubscriber()
        began = time.monotonic()
        bus.subscribe(ear)
        for notice in make_notices(1_000):
            bus.publish([notice])
        assert ear.received == make_notices(1_000)
        assert time.monotonic() - began < MAX_SECONDS
        # No gap is told before others can be heard: a subscriber would read the store for nothing.
        assert ear.gap_count == 0
        bus.close()
        # `close` must not wait for a server that does not answer either.
        assert time.monotonic() - began < 2 * MAX_SECONDS

    def test_listener_begun_during_cut_hears_others_later(self, bus: Bus, tmp_path: Path) -> None:
        self.disconnect(tmp_path)
        ear = RecordingSubscriber()
        bus.subscribe(ear)
        self.reconnect(tmp_path)
        assert ear.wait_for_gap()
        with self.second_bus(tmp_path) as (other, _):
            other.publish([a_notice()])
            assert ear.wait_for_notice(a_notice())

    def test_cut_reports_missed_to_all_then_heals(self, bus: Bus, tmp_path: Path) -> None:
        with self.second_bus(tmp_path) as (other, theirs):
            ours = subscribe_and_wait(bus)
            # Twice: a bus that heals once may have used up a thread or a connection that it needs for the next time.
            for round_ in (1, 2):
                # Both sides of both have been at work.
                bus.publish([a_notice(10 * round_)])
                other.publish([a_notice(10 * round_ + 1)])
                assert ours.wait_for_notice(a_notice(10 * round_ + 1))
                assert theirs.wait_for_notice(a_notice(10 * round_))
                self.disconnect(tmp_path)
                assert wait_until(lambda: not bus.is_connected)
                bus.publish([a_notice(10 * round_ + 2)])
                assert a_notice(10 * round_ + 2) in ours.received
                self.reconnect(tmp_path)
                assert ours.wait_for_gap(round_ + 1)
                assert bus.is_connected
                assert theirs.wait_for_gap(round_ + 1)
                bus.publish([a_notice(10 * round_ + 3)])
                assert theirs.wait_for_notice(a_notice(10 * round_ + 3))
            # A reconnect may lose notices, and must not repeat any.
            assert len(set(theirs.received)) == len(theirs.received)
            assert [notice for notice in theirs.received if notice in ours.received] == theirs.received

    def test_cut_is_logged_once(self, bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        ear = subscribe_and_wait(bus)
        with self.second_bus(tmp_path) as (_, theirs):
            bus.publish([a_notice(1)])
            assert theirs.wait_for_notice(a_notice(1))
        caplog.clear()
        self.disconnect(tmp_path)
        assert wait_until(lambda: len(caplog.records) == 1)
        bus.publish([a_notice(2)])
        time.sleep(1)  # for more attempts, on both sides, than there may be lines
        self.reconnect(tmp_path)
        assert ear.wait_for_gap(2)
        with self.second_bus(tmp_path) as (_, theirs):
            bus.publish([a_notice(3)])
            assert theirs.wait_for_notice(a_notice(3))
        assert wait_until(lambda: len(caplog.records) == 2)
        assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]

    def test_flood_during_cut_is_not_kept(self, bus: Bus, tmp_path: Path) -> None:
        self.disconnect(tmp_path)
        # Weak references: the test itself must not keep what the bus should drop.
        kept: list[weakref.ref[Notice]] = []
        for number in range(FLOOD // 100):
            kept += _publish_tracked(bus, number)
        assert wait_until(lambda: sum(reference() is not None for reference in kept) < FLOOD / 10)

    def test_flood_with_server_up_is_carried(self, bus: Bus, tmp_path: Path) -> None:
        """Whoever hears it has heard all of it, or is told that it has not."""
        with self.second_bus(tmp_path) as (_, ear):
            flood = make_notices(20_000)
            for at in range(0, len(flood), 10):
                bus.publish(flood[at : at + 10])
            assert ear.wait_for_notice(flood[-1])
            # Dropped notices are allowed, and then a gap must be told: silence would leave sockets out of date.
            assert ear.received == flood or ear.gap_count > 1


class _TrackedNotice(Notice, weakref=True):
    """A notice of which can be told whether it is still there."""


def _publish_tracked(bus: Bus, number: int) -> list[weakref.ref[Notice]]:
    flood = [_TrackedNotice(kind="message", visitor_id=f"vis_{number}_{position}") for position in range(100)]
    bus.publish(flood)
    return [weakref.ref(notice) for notice in flood]
