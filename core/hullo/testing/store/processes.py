"""Claims about several processes on one store, and about one that is killed (R1, R3)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import count, islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hullo.model.change_set import ChangeSet, insertion
from hullo.model.instant import HOUR
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, Store
from hullo.testing.builders import (
    APP,
    NOW,
    WORKSPACE,
    a_contact,
    a_conversation,
    a_decision,
    a_message,
    a_session,
    a_spent_token,
    a_visitor,
)
from hullo.testing.processes import ContractReference, process_context, reference_to
from hullo.testing.store.case import StoreCase, apply_one, is_conflict, must_apply, new_contacts, requires
from hullo.testing.store.threads import increment
from hullo.value import Value

PROCESSES = 4
ROUNDS = 20
GROUP = 10
TIMEOUT = 60.0
"""Seconds after which a process that does not answer is taken for dead."""


Result = TypeVar("Result")


class RaceWorker(Value, kw_only=False):
    """One of several processes at the same work."""

    number: int
    start: Barrier
    """Lets nobody through before all are there. May be used again and again."""


class ProcessRace(StoreCase):
    """How claims are put to several processes."""

    @contextmanager
    def _open_store(self, folder: Path) -> Generator[Store]:
        store = self.make_store(folder)
        store.open()
        try:
            yield store
        finally:
            store.close()

    def _run_processes(
        self, folder: Path, work: Callable[[Store, RaceWorker], Result], processes: int = PROCESSES
    ) -> list[Result]:
        """What `work` returned in each of several processes, which set out together."""
        start = process_context().Barrier(processes)
        pipes: list[Connection] = []
        started: list[BaseProcess] = []
        for number in range(processes):
            ours, theirs = process_context().Pipe()
            racer = RaceWorker(number, start)
            process = process_context().Process(
                target=_work_in_process, args=(reference_to(type(self)), folder, work, racer, theirs), daemon=True
            )
            process.start()
            # The other process has its own copy: while this one is open, its death would not end the pipe.
            theirs.close()
            pipes.append(ours)
            started.append(process)
        try:
            return [_receive(pipe) for pipe in pipes]
        finally:
            for member in started:
                member.join(TIMEOUT)


class ProcessTests(ProcessRace):
    """See the module."""

    @requires("shared_between_processes")
    def test_processes_may_open_new_store_together(self, tmp_path: Path) -> None:
        assert self._run_processes(tmp_path, _just_check, processes=10) == [True] * 10

    @requires("shared_between_processes")
    def test_processes_creating_same_identifier_one_wins(self, tmp_path: Path) -> None:
        outcomes = self._run_processes(tmp_path, _create_the_same)
        for round_ in zip(*outcomes, strict=True):
            assert round_.count("applied") == 1
            assert round_.count("refused") == PROCESSES - 1

    @requires("shared_between_processes")
    def test_processes_spending_same_token_one_wins(self, tmp_path: Path) -> None:
        outcomes = self._run_processes(tmp_path, _spend_the_same)
        for round_ in zip(*outcomes, strict=True):
            assert round_.count("applied") == 1
            assert round_.count("refused") == PROCESSES - 1

    @requires("shared_between_processes")
    def test_processes_taking_same_lease_one_wins(self, tmp_path: Path) -> None:
        """When nobody has had it yet, and each time that it has ended."""
        outcomes = self._run_processes(tmp_path, _take_the_same)
        for round_ in zip(*outcomes, strict=True):
            assert round_.count(True) == 1

    @requires("shared_between_processes")
    def test_processes_lose_no_update(self, tmp_path: Path) -> None:
        with self._open_store(tmp_path) as store:
            must_apply(store, new_contacts(a_contact("con_1", external_id="ann")))
            self._run_processes(tmp_path, _count_up_together)
            contact = store.find_contact(WORKSPACE, "con_1")
            assert contact is not None
            assert contact.profile["count"].value == PROCESSES * ROUNDS
            assert contact.version == PROCESSES * ROUNDS

    @requires("durable")
    @pytest.mark.parametrize("groups", [1, 7, 20])
    def test_killed_process_leaves_whole_change_sets(self, tmp_path: Path, groups: int) -> None:
        """Killed while it applies one group after another. What it had reported applied must be there."""
        ours, theirs = process_context().Pipe()
        process = process_context().Process(
            target=_apply_forever, args=(reference_to(type(self)), tmp_path, theirs), daemon=True
        )
        process.start()
        theirs.close()
        reported: list[object] = [_receive(ours) for _ in range(groups)]
        # SIGKILL: no `finally`, no rollback of its own (R3).
        process.kill()
        # Reports may be on their way still: all of them were sent after a commit, and count.
        reported += _rest(ours)
        process.join(TIMEOUT)
        with self._open_store(tmp_path) as store:
            # Two groups more: one may be committed and not reported, and the one after it begun.
            found = [_parts(store, number) for number in range(len(reported) * GROUP + 2 * GROUP)]
        # All six parts or none of them: anything between is half a change set.
        assert {parts for parts in found if parts not in (0, 6)} == set()
        assert found[: len(reported) * GROUP] == [6] * (len(reported) * GROUP)


def _work_in_process(
    contract: ContractReference[StoreCase],
    folder: Path,
    work: Callable[[Store, RaceWorker], object],
    racer: RaceWorker,
    results: Connection,
) -> None:
    store = contract.instantiate().make_store(folder)
    racer.start.wait(TIMEOUT)
    store.open()
    results.send(work(store, racer))
    store.close()


def _just_check(store: Store, _racer: RaceWorker) -> bool:
    store.check()
    return True


def _create_the_same(store: Store, racer: RaceWorker) -> list[str]:
    # An id for each process, and one identifier for all: the identifier alone must decide.
    people = (a_contact(f"con_{round_}_{racer.number}", external_id=f"user-{round_}") for round_ in range(ROUNDS))
    return _race(store, racer, map(new_contacts, people))


def _spend_the_same(store: Store, racer: RaceWorker) -> list[str]:
    return _race(store, racer, (ChangeSet(spent=(a_spent_token(f"jti_{round_}"),)) for round_ in range(ROUNDS)))


def _take_the_same(store: Store, racer: RaceWorker) -> list[bool]:
    outcomes: list[bool] = []
    for round_ in range(ROUNDS):
        # The lease of the round before has just ended, so every process may take it.
        now = NOW + round_ * HOUR
        racer.start.wait(TIMEOUT)
        outcomes.append(store.acquire_lease("tell", f"process {racer.number}", now, now + HOUR))
    return outcomes


def _race(store: Store, racer: RaceWorker, rounds: Iterable[ChangeSet]) -> list[str]:
    outcomes: list[str] = []
    for changes in rounds:
        racer.start.wait(TIMEOUT)
        outcomes.append("refused" if is_conflict(apply_one(store, changes)) else "applied")
    return outcomes


def _count_up_together(store: Store, racer: RaceWorker) -> None:
    racer.start.wait(TIMEOUT)
    increment(store, "con_1", "count", ROUNDS)


def _apply_forever(contract: ContractReference[StoreCase], folder: Path, reports: Connection) -> None:
    store = contract.instantiate().make_store(folder)
    store.open()
    numbers = count()
    while True:
        group = list(islice(numbers, GROUP))
        assert set(store.apply([_whole(number) for number in group])) == {APPLIED}
        # After `apply` has returned: what is reported must survive the kill.
        reports.send(group[-1])


def _whole(number: int) -> ChangeSet:
    contact = a_contact(f"con_{number}", external_id=f"user-{number}", custom_data={APP: {"number": number}})
    visitor = a_visitor(f"vis_{number}")
    return ChangeSet(
        contacts=(insertion(contact),),
        visitors=(visitor,),
        sessions=(insertion(a_session(f"hvs_{number}", visitor_id=visitor.id, contact_id=contact.id)),),
        conversations=(insertion(a_conversation(f"cnv_{number}", visitor_id=visitor.id, contact_id=contact.id)),),
        messages=(a_message(f"msg_{number}", conversation_id=f"cnv_{number}", repeat_key=f"repeat {number}"),),
        decisions=(a_decision(f"dec_{number}", contact_id=contact.id),),
    )


def _parts(store: Store, number: int) -> int:
    """How many are there of contact, block, identifier, session, conversation and message."""
    contact = a_contact(f"con_{number}", external_id=f"user-{number}")
    query = SnapshotQuery(
        workspace_id=WORKSPACE,
        app_id=APP,
        session=a_session(f"hvs_{number}").digest,
        identifiers=tuple(contact.identifier_digests()),
        contacts=(contact.id,),
        conversations=(f"cnv_{number}",),
        repeat_keys=(f"repeat {number}",),
    )
    (found,) = store.load([query])
    blocks = [held.custom_data for held in found.contacts.values() if held.custom_data]
    session = () if found.session is None else (found.session,)
    return sum(map(len, (found.contacts, blocks, found.contact_ids, session, found.conversations, found.messages)))


def _receive(pipe: Connection) -> Any:  # whatever the other side sent
    assert pipe.poll(TIMEOUT), "the process said nothing"
    return pipe.recv()


def _rest(pipe: Connection) -> list[object]:
    """What was sent before the other end died."""
    received: list[object] = []
    while True:
        try:
            received.append(pipe.recv())
        except (EOFError, ConnectionResetError):
            return received
