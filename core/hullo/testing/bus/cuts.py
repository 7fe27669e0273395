"""Claims about a bus whose server cannot be reached."""

from __future__ import annotations

import logging
import time
import weakref
from pathlib import Path

import pytest

from hullo.bus.notice import Notice
from hullo.bus.protocol import Bus
from hullo.testing.bus.case import Ear, a_notice, comes_true, notices
from hullo.testing.bus.shared import SharedBusCase, listening

AT_ONCE = 2.0
"""Seconds: far more than it takes, and far less than anybody waits for a server."""
FLOOD = 200_000


class CutClaims(SharedBusCase):
    """See the module."""

    def test_where_nobody_can_be_reached_it_works_in_this_process(self, bus: Bus, tmp_path: Path) -> None:
        self.cut(tmp_path)
        ear = Ear()
        began = time.monotonic()
        bus.listen(ear)
        for notice in notices(1_000):
            bus.publish([notice])
        assert ear.heard == notices(1_000)
        assert time.monotonic() - began < AT_ONCE
        assert ear.missed_count == 0
        bus.close()
        assert time.monotonic() - began < 2 * AT_ONCE

    def test_who_begins_while_it_is_cut_off_hears_others_after_it(self, bus: Bus, tmp_path: Path) -> None:
        self.cut(tmp_path)
        ear = Ear()
        bus.listen(ear)
        self.mend(tmp_path)
        assert ear.has_missed()
        with self.another(tmp_path) as (other, _):
            other.publish([a_notice()])
            assert ear.has_heard(a_notice())

    def test_after_a_cut_all_are_told_that_they_missed_something_and_hear_again(self, bus: Bus, tmp_path: Path) -> None:
        with self.another(tmp_path) as (other, theirs):
            ours = listening(bus)
            for round_ in (1, 2):
                # Both sides of both have been at work.
                bus.publish([a_notice(10 * round_)])
                other.publish([a_notice(10 * round_ + 1)])
                assert ours.has_heard(a_notice(10 * round_ + 1))
                assert theirs.has_heard(a_notice(10 * round_))
                self.cut(tmp_path)
                assert comes_true(lambda: not bus.hearing)
                bus.publish([a_notice(10 * round_ + 2)])
                assert a_notice(10 * round_ + 2) in ours.heard
                self.mend(tmp_path)
                assert ours.has_missed(round_ + 1)
                assert bus.hearing
                assert theirs.has_missed(round_ + 1)
                bus.publish([a_notice(10 * round_ + 3)])
                assert theirs.has_heard(a_notice(10 * round_ + 3))
            assert len(set(theirs.heard)) == len(theirs.heard)
            assert [notice for notice in theirs.heard if notice in ours.heard] == theirs.heard

    def test_a_cut_is_told_once_in_the_log(self, bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        ear = listening(bus)
        with self.another(tmp_path) as (_, theirs):
            bus.publish([a_notice(1)])
            assert theirs.has_heard(a_notice(1))
        caplog.clear()
        self.cut(tmp_path)
        assert comes_true(lambda: len(caplog.records) == 1)
        bus.publish([a_notice(2)])
        time.sleep(1)  # for more attempts, on both sides, than there may be lines
        self.mend(tmp_path)
        assert ear.has_missed(2)
        with self.another(tmp_path) as (_, theirs):
            bus.publish([a_notice(3)])
            assert theirs.has_heard(a_notice(3))
        assert comes_true(lambda: len(caplog.records) == 2)
        assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]

    def test_a_flood_that_nobody_carries_off_is_not_kept(self, bus: Bus, tmp_path: Path) -> None:
        self.cut(tmp_path)
        kept: list[weakref.ref[Notice]] = []
        for number in range(FLOOD // 100):
            kept += _published(bus, number)
        assert comes_true(lambda: sum(each() is not None for each in kept) < FLOOD / 10)

    def test_a_flood_is_carried_off_when_the_server_is_there(self, bus: Bus, tmp_path: Path) -> None:
        """Whoever hears it has heard all of it, or is told that it has not."""
        with self.another(tmp_path) as (_, ear):
            flood = notices(20_000)
            for at in range(0, len(flood), 10):
                bus.publish(flood[at : at + 10])
            assert ear.has_heard(flood[-1])
            assert ear.heard == flood or ear.missed_count > 1


class _Followed(Notice):
    """A notice of which can be told whether it is still there."""


def _published(bus: Bus, number: int) -> list[weakref.ref[Notice]]:
    flood = [_Followed(kind="message", visitor_id=f"vis_{number}_{each}") for each in range(100)]
    bus.publish(flood)
    return [weakref.ref(notice) for notice in flood]
