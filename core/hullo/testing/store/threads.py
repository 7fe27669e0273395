"""Claims about many threads on one store (R1, R2)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, SpentToken, insertion, replacement
from hullo.model.instant import HOUR
from hullo.model.snapshot import SnapshotQuery
from hullo.model.visitor import Session
from hullo.store.protocol import Store
from hullo.testing.builders import APP, NOW, WORKSPACE, a_call_count, a_contact, a_fact, a_session, a_spent_token
from hullo.testing.store.case import (
    StoreCase,
    apply_one,
    contact_change,
    is_conflict,
    must_apply,
    new_contacts,
)

THREADS = 8
ROUNDS = 25
MAX_ATTEMPTS = 1000
TIMEOUT = 60.0

Result = TypeVar("Result")


def run_in_threads(work: Callable[[int], Result]) -> list[Result]:
    """Calls `work` with 0, 1, 2, … in as many threads, which set out together."""
    # Threads that set out one by one would mostly miss each other, and prove nothing.
    start = threading.Barrier(THREADS)

    def run(number: int) -> Result:
        # A timeout: a thread that failed to start must not hang the test run.
        start.wait(TIMEOUT)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def increment(store: Store, contact_id: str, key: str, times: int) -> None:
    """Adds one to a profile value, `times` times, each decided again when it meets a conflict."""
    for _ in range(times):
        # A limit far above what is needed: conflicts without end should fail, and not hang.
        assert any(_add_one(store, contact_id, key) for _ in range(MAX_ATTEMPTS)), "conflicts without end"


def _add_one(store: Store, contact_id: str, key: str) -> bool:
    before = store.find_contact(WORKSPACE, contact_id)
    assert before is not None
    held = before.profile.get(key)
    count = int(held.value) + 1 if held is not None else 1
    after = replace(before, profile={**before.profile, key: a_fact(count)})
    return not is_conflict(apply_one(store, contact_change(replacement(before, after))))


class ThreadTests(StoreCase):
    """See the module."""

    def test_threads_creating_same_identifier_one_wins(self, store: Store) -> None:
        for round_ in range(ROUNDS):
            name = f"user-{round_}"

            # `name` as a default: a closure would read the loop's variable later.
            def create(number: int, name: str = name) -> bool:
                return is_conflict(apply_one(store, new_contacts(a_contact(f"{name}_{number}", external_id=name))))

            assert run_in_threads(create).count(False) == 1

    def test_threads_spending_same_token_one_wins(self, store: Store) -> None:
        """Each time in place of the one that was spent before, which has expired by then."""
        for round_ in range(ROUNDS):
            token = a_spent_token("once", at=NOW + round_ * HOUR, lifetime=HOUR)

            def spend(_: int, token: SpentToken = token) -> bool:
                return is_conflict(apply_one(store, ChangeSet(spent=(token,))))

            assert run_in_threads(spend).count(False) == 1

    def test_threads_spending_own_tokens_do_not_conflict(self, store: Store) -> None:
        """Though all of them clear away what has expired, which is nearly everything."""

        def spend(number: int) -> None:
            for round_ in range(ROUNDS):
                tokens = (
                    a_spent_token(f"{number} {round_} {position}", at=NOW + round_, lifetime=3) for position in range(3)
                )
                must_apply(store, *(ChangeSet(spent=(token,)) for token in tokens))

        run_in_threads(spend)

    def test_thread_call_counts_add_up_without_conflict(self, store: Store) -> None:
        def count(number: int) -> None:
            for _ in range(ROUNDS):
                must_apply(store, ChangeSet(call_counts=(a_call_count(), a_call_count(f"app_{number + 2}"))))

        run_in_threads(count)
        times = THREADS * ROUNDS
        assert store.list_call_counts(APP, 0) == (a_call_count(signed=3 * times, unsigned=2 * times, wrong=times),)
        assert store.list_call_counts("app_2", 0) == (
            a_call_count("app_2", signed=3 * ROUNDS, unsigned=2 * ROUNDS, wrong=ROUNDS),
        )

    def test_threads_lose_no_update(self, store: Store) -> None:
        must_apply(store, new_contacts(a_contact("con_1", external_id="ann")))

        def count(number: int) -> None:
            # R2: one key that all write, and one for each thread. Both kinds must survive.
            for key in ("all", f"own {number}"):
                increment(store, "con_1", key, 5)

        run_in_threads(count)
        contact = store.find_contact(WORKSPACE, "con_1")
        assert contact is not None
        counts = {key: fact.value for key, fact in contact.profile.items()}
        assert counts == {"all": 5 * THREADS, **{f"own {number}": 5 for number in range(THREADS)}}
        # One version for each write: a lost update would show here even if the sums were right.
        assert contact.version == 10 * THREADS

    def test_snapshot_shows_a_single_moment(self, store: Store) -> None:
        """A writer changes two sessions together; readers never see just one of the two changed."""
        # Two rows: a load that reads them in two transactions can see the one before and the other after.
        pair = (a_session("first"), a_session("second"))
        must_apply(store, ChangeSet(sessions=(insertion(pair[0]), insertion(pair[1]))))
        done = threading.Event()

        def write() -> None:
            current: tuple[Session, Session] = pair
            for step in range(100):
                first, second = (replacement(session, replace(session, seen_at=step)) for session in current)
                must_apply(store, ChangeSet(sessions=(first, second)))
                current = (first.after, second.after)

        def work(number: int) -> bool:
            if number == 0:
                try:
                    write()
                finally:
                    # In `finally`: readers that wait for a writer that failed would never end.
                    done.set()
                return True
            whole = True
            while not done.is_set():
                whole = whole and len(set(_versions(store, pair))) == 1
            return whole

        assert all(run_in_threads(work))

    def test_threads_may_open_store_together(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        # Several requests may arrive at a server that has not opened its store yet.
        run_in_threads(lambda _: store.open())
        store.check()
        store.close()


def _versions(store: Store, sessions: tuple[Session, ...]) -> list[int | None]:
    queries = [SnapshotQuery(workspace_id=WORKSPACE, app_id=None, session=known.digest) for known in sessions]
    found = [snapshot.session for snapshot in store.load(queries)]
    return [None if session is None else session.version for session in found]
