"""Claims about `SupportsLocking`: after a conflict, a writer reloads while its rivals wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import (
    APPLIED,
    Applied,
    Store,
    StoreConflict,
    SupportsConcurrentReads,
    SupportsLocking,
)
from hullo.testing.builders import WORKSPACE, a_contact, a_conversation, a_fact, a_session
from hullo.testing.store.case import apply_one, contact_change, is_conflict, must_apply, new_contacts, requires
from hullo.testing.store.processes import ProcessRace, RaceWorker
from hullo.testing.store.threads import run_in_threads

TIMEOUT: Final = 60.0
A_WHILE: Final = 0.2
"""Seconds. That somebody waits cannot be seen, only that time passes and they are not done."""
ROUNDS: Final = 15

ANN = a_contact("con_1", external_id="ann")
BOB = a_contact("con_2", external_id="bob")
SESSION = a_session(contact_id=ANN.id)
SOURCE = a_session("hvs_2", visitor_id="vis_2", contact_id=BOB.id)
CONVERSATION = a_conversation(contact_id=ANN.id)
# Everything that a decision may change: each of them must be locked by the load.
FULL_QUERY = SnapshotQuery(
    workspace_id=WORKSPACE,
    app_id=None,
    session=SESSION.digest,
    contacts=(ANN.id,),
    conversations=(CONVERSATION.id,),
    source_session=SOURCE.digest,
)
CHANGES: dict[str, Callable[[Snapshot], ChangeSet]] = {
    "contact": lambda seen: contact_change(replacement(seen.contacts[ANN.id], seen.contacts[ANN.id])),
    "session": lambda seen: ChangeSet(
        sessions=tuple(replacement(session, session) for session in (seen.session,) if session)
    ),
    "session that a token came from": lambda seen: ChangeSet(
        sessions=tuple(replacement(session, session) for session in (seen.source_session,) if session)
    ),
    "contact of that session": lambda seen: contact_change(replacement(seen.contacts[BOB.id], seen.contacts[BOB.id])),
    "conversation": lambda seen: ChangeSet(
        conversations=tuple(replacement(conversation, conversation) for conversation in seen.conversations.values())
    ),
}


class LockingTests(ProcessRace):
    """See the module."""

    @requires("locking")
    def test_locked_items_stay_unchanged_until_applied(self, store: Store) -> None:
        for noun, change in CHANGES.items():
            # The rows are created with the first noun, and loaded with the others.
            seen = _prepared(store) if noun == "contact" else _load(store)
            with ThreadPoolExecutor(1) as elsewhere:
                with _locking(store):
                    held = _load(store)
                    other = elsewhere.submit(apply_one, store, change(seen))
                    # Asked while the lock is held: the rival must wait, and not be refused at once.
                    assert not _is_done(other), f"somebody changed a {noun} that was held"
                    assert apply_one(store, change(held)) == APPLIED
                assert is_conflict(other.result(TIMEOUT))

    @requires("locking", "shared_between_processes")
    def test_lock_makes_other_open_stores_wait(self, store: Store, tmp_path: Path) -> None:
        seen = _prepared(store)
        another = self.make_store(tmp_path)
        another.open()
        with ThreadPoolExecutor(1) as elsewhere:
            with _locking(store):
                held = _load(store)
                other = elsewhere.submit(apply_one, another, CHANGES["contact"](seen))
                assert not _is_done(other)
                assert apply_one(store, CHANGES["contact"](held)) == APPLIED
            assert is_conflict(other.result(TIMEOUT))
        another.close()

    @requires("locking", "concurrent_reads")
    def test_reads_and_loads_wait_for_no_lock(self, store: Store) -> None:
        seen = _prepared(store)
        with ThreadPoolExecutor(1) as elsewhere, _locking(store):
            held = _load(store)
            # A rival that writes waits first: what it waits with must not be what reads need.
            rivals = ThreadPoolExecutor(store.max_concurrent_batches)
            rival = rivals.submit(apply_one, store, CHANGES["contact"](seen))
            assert elsewhere.submit(_load, store).result(TIMEOUT) == seen
            assert elsewhere.submit(store.list_workspaces).result(TIMEOUT) == ()
            elsewhere.submit(store.check).result(TIMEOUT)
            assert not rival.done()
            assert apply_one(store, CHANGES["contact"](held)) == APPLIED
        assert is_conflict(rival.result(TIMEOUT))
        rivals.shutdown()

    @requires("concurrent_reads")
    def test_concurrent_reads_are_counted(self, store: Store) -> None:
        assert isinstance(store, SupportsConcurrentReads)
        assert store.max_concurrent_reads >= 1

    @requires("locking")
    def test_two_holders_of_one_lock_take_turns(self, store: Store) -> None:
        _prepared(store)

        def add(_: int) -> int:
            with _locking(store):
                before = _load(store).contacts[ANN.id]
                assert apply_one(store, contact_change(replacement(before, before))) == APPLIED
            return before.version

        assert sorted(run_in_threads(add)) == list(range(8))

    @requires("locking")
    def test_lock_left_unapplied_writes_nothing(self, store: Store) -> None:
        seen = _prepared(store)
        with _locking(store):
            assert _load(store) == seen
        with _locking(store):
            pass
        assert _load(store) == seen
        assert apply_one(store, CHANGES["contact"](seen)) == APPLIED

    @requires("locking")
    def test_lock_left_by_error_writes_nothing(self, store: Store) -> None:
        seen = _prepared(store)
        # An error between load and apply must release the lock, or the next writer waits for ever.
        with pytest.raises(LookupError), _locking(store):
            _fail(_load(store))
        assert apply_one(store, CHANGES["contact"](seen)) == APPLIED

    @requires("locking")
    def test_lock_still_refuses_outdated_change_alone(self, store: Store) -> None:
        seen = _prepared(store)
        must_apply(store, CHANGES["contact"](seen))
        with _locking(store):
            now = _load(store)
            group = [
                CHANGES["contact"](seen),
                CHANGES["conversation"](now),
                new_contacts(a_contact("con_4", external_id="ann")),
                new_contacts(a_contact("con_3", external_id="eve")),
            ]
            assert [is_conflict(result) for result in store.apply(group)] == [True, False, True, False]
        assert store.find_contact(WORKSPACE, "con_3") is not None
        assert _load(store).conversations[CONVERSATION.id].version == 1

    @requires("locking")
    def test_lock_on_missing_lets_one_create_it(self, store: Store) -> None:
        """It cannot be held, so that a conflict may be met once more."""

        def create(number: int) -> Applied | StoreConflict:
            mine = a_contact(f"con_{number}", external_id="new")
            with _locking(store):
                query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, identifiers=tuple(mine.identifier_digests()))
                # The rival was first: a decision would find its contact, and create none.
                if store.load([query])[0].contacts:
                    return StoreConflict("found")
                return apply_one(store, new_contacts(mine))

        assert run_in_threads(create).count(APPLIED) == 1

    @requires("locking")
    def test_lock_limits_thread_writers_to_two_tries(self, store: Store) -> None:
        _prepared(store)
        tries = run_in_threads(lambda _: _increment(store, ROUNDS))
        assert max(tries) <= 2
        self._counted(store, 8 * ROUNDS)

    @requires("locking", "shared_between_processes")
    def test_lock_limits_process_writers_to_two_tries(self, store: Store, tmp_path: Path) -> None:
        _prepared(store)
        tries = self._run_processes(tmp_path, _count_up_in_threads, processes=2)
        assert max(tries) <= 2
        self._counted(store, 2 * 8 * ROUNDS)

    @staticmethod
    def _counted(store: Store, times: int) -> None:
        contact = _load(store).contacts[ANN.id]
        assert (contact.profile["count"].value, contact.version) == (times, times)


def _locking(store: Store) -> AbstractContextManager[object]:
    assert isinstance(store, SupportsLocking)
    return store.locking()


def _prepared(store: Store) -> Snapshot:
    """Two contacts with a session each, and a conversation, as they are loaded."""
    must_apply(
        store,
        new_contacts(ANN, BOB),
        ChangeSet(sessions=(insertion(SESSION), insertion(SOURCE)), conversations=(insertion(CONVERSATION),)),
    )
    return _load(store)


def _load(store: Store) -> Snapshot:
    (seen,) = store.load([FULL_QUERY])
    return seen


def _is_done(future: Future[Applied | StoreConflict]) -> bool:
    return bool(wait([future], timeout=A_WHILE).done)


def _fail(seen: Snapshot) -> None:
    raise LookupError(seen)


def _increment(store: Store, times: int) -> int:
    """As the pipeline does: at first without a lock, and after a conflict with one. Says how many tries it took."""
    most = 0
    for _ in range(times):
        tries, added = 1, _add_one(store)
        # Under the lock only after a conflict: most writers meet no rival, and need not pay for it.
        while not added:
            with _locking(store):
                tries, added = tries + 1, _add_one(store)
        most = max(most, tries)
    return most


def _add_one(store: Store) -> bool:
    before = _load(store).contacts[ANN.id]
    held = before.profile.get("count")
    after = replace(before, profile={"count": a_fact(int(held.value) + 1 if held is not None else 1)})
    return not is_conflict(apply_one(store, contact_change(replacement(before, after))))


def _count_up_in_threads(store: Store, racer: RaceWorker) -> int:
    racer.start.wait(TIMEOUT)
    return max(run_in_threads(lambda _: _increment(store, ROUNDS)))
