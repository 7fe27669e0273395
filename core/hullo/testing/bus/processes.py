"""Claims about buses in several processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from hullo.bus.protocol import Bus
from hullo.testing.bus.case import TIMEOUT, RecordingSubscriber, a_notice
from hullo.testing.bus.shared import SharedBusCase, subscribe_and_wait
from hullo.testing.processes import ContractReference, process_context, reference_to

PROCESSES = 3


class ProcessTests(SharedBusCase):
    """See the module."""

    def test_processes_hear_each_other(self, bus: Bus, tmp_path: Path) -> None:
        ear = subscribe_and_wait(bus)
        with ExitStack() as stack:
            pipes = [self._process(tmp_path, number, stack) for number in range(1, PROCESSES + 1)]
            for pipe in pipes:
                # All of them first: a notice that is published before a process listens is lost, and rightly.
                assert _receive(pipe) == "listening"
            bus.publish([a_notice(0)])
            for pipe in pipes:
                pipe.send("publish")
            for pipe in pipes:
                assert _receive(pipe) == [f"vis_{number}" for number in range(PROCESSES + 1)]
        assert all(ear.wait_for_notice(a_notice(number)) for number in range(PROCESSES + 1))
        assert len(ear.received) == PROCESSES + 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_forked_process_publishes_and_hears_for_itself(self, bus: Bus, tmp_path: Path) -> None:
        """With a bus that has been at work before, whose threads and connections stay with the parent."""
        ear = subscribe_and_wait(bus)
        with self.second_bus(tmp_path) as (other, theirs):
            bus.publish([a_notice(1)])
            assert theirs.wait_for_notice(a_notice(1))
            # Bare `os.fork`, as servers do that load the application before they fork.
            child = _fork(lambda: _publish_and_receive(bus))
            assert ear.wait_for_notice(a_notice(2)), "the parent does not hear the child"
            assert theirs.wait_for_notice(a_notice(2))
            # The child says so again and again until it hears, and does not hear before it listens.
            deadline = time.monotonic() + TIMEOUT
            while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
                if time.monotonic() > deadline:
                    # SIGKILL: the child may hang in a lock, and then answers to no other signal.
                    os.kill(child, signal.SIGKILL)
                other.publish([a_notice(3)])
                time.sleep(0.01)
            assert os.waitstatus_to_exitcode(ended[1]) == 0, "the child does not hear others"
            bus.publish([a_notice(4)])
            assert theirs.wait_for_notice(a_notice(4)), "the parent has lost its connections to the child"
            other.publish([a_notice(5)])
            assert ear.wait_for_notice(a_notice(5))
        assert ear.gap_count == 1

    def _process(self, place: Path, number: int, stack: ExitStack) -> Connection:
        ours, theirs = process_context().Pipe()
        process = process_context().Process(
            target=_take_part, args=(reference_to(type(self)), place, number, theirs), daemon=True
        )
        process.start()
        # The child's end must be closed here, or the pipe never reports that the child has died.
        theirs.close()
        stack.callback(process.join, TIMEOUT)
        stack.enter_context(ours)
        return ours


def _take_part(contract: ContractReference[SharedBusCase], place: Path, number: int, pipe: Connection) -> None:
    bus = contract.instantiate().make_bus(place)
    ear = subscribe_and_wait(bus)
    pipe.send("listening")
    assert _receive(pipe) == "publish"
    bus.publish([a_notice(number)])
    assert all(ear.wait_for_notice(a_notice(number)) for number in range(PROCESSES + 1))
    pipe.send(sorted(str(notice.visitor_id) for notice in ear.received))
    bus.close()


def _publish_and_receive(bus: Bus) -> bool:
    ear = RecordingSubscriber()
    bus.subscribe(ear)
    bus.publish([a_notice(2)])
    heard = ear.wait_for_notice(a_notice(3))
    bus.close()
    return heard


def _fork(work: Callable[[], bool]) -> int:
    """The child ends without whatever would follow here: 0 if it has done its work."""
    child = os.fork()
    if child == 0:
        try:
            # `_exit`: the child must run neither pytest's own end nor the parent's `finally` blocks.
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return child


def _receive(pipe: Connection) -> Any:  # whatever the other side sent
    assert pipe.poll(TIMEOUT), "the process said nothing"
    return pipe.recv()
