"""Rule P3: what is too old is removed, app by app, as often and by as many as want to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from hullo.errors import SessionRevoked
from hullo.hooks.entry_points import open_store
from hullo.model.instant import DAY
from hullo.model.retention import Retention, SweepResult
from hullo.operations.privacy.retention import RetentionRun, run_retention
from hullo.store.protocol import ConversationFilter, PageRequest, Store
from hullo_plugins.retention.plugin import RetentionJob
from world import World

FOR_EVER = {
    "keep_anonymous_days": "none",
    "keep_conversation_days": "none",
    "keep_decision_days": "none",
    "keep_timeline_days": "none",
    "keep_contact_days": "none",
}


def run(world: World, **options: Any) -> RetentionRun:
    return run_retention(world.hullo.store, world.clock, "retention", **options)


def pass_days(world: World, days: float) -> None:
    world.clock.now += int(days * DAY)


def conversations(world: World) -> int:
    return len(
        world.hullo.store.list_conversations(
            ConversationFilter(workspace_id=world.app.workspace_id), PageRequest(limit=200)
        ).items
    )


@pytest.mark.rule("P3", "S3")
def test_anonymous_visitors_expire_and_known_ones_stay(world: World) -> None:
    nobody, known, talker = world.visitor(), world.visitor(), world.visitor()
    nobody.join()
    known.identify(email="jane@example.com")
    talker.join()
    talker.say()
    pass_days(world, 31)
    assert run(world).total_removed == SweepResult(sessions=1, visitors=1)
    with pytest.raises(SessionRevoked):
        nobody.resume()
    assert known.resume().session.contact_id
    assert talker.resume().session.visitor_id


@pytest.mark.rule("P3", "S2")
def test_ended_session_is_removed(world: World) -> None:
    browser = world.visitor()
    browser.identify(email="jane@example.com")
    browser.reset()
    assert run(world).total_removed.sessions == 1
    assert browser.resume().session.visitor_id


@pytest.mark.rule("P3")
def test_each_app_has_its_own_retention_time(world: World) -> None:
    other = world.hullo.create_app("Elsewhere", workspace="Other")
    world.set_app(keep_conversation_days="365", keep_decision_days="90", keep_timeline_days="10")
    world.hullo.register.change_app(other.app_key, FOR_EVER)
    outcomes = []
    for browser in (world.visitor(), world.visitor(other)):
        outcomes.append(browser.identify(email="jane@example.com"))
        browser.say()
    pass_days(world, 100)
    mine, theirs = ({each.app.id: each.removed for each in run(world).apps}[app.app_id] for app in (world.app, other))
    assert (mine.decisions, mine.conversations, mine.timeline > 0) == (1, 0, True)
    assert theirs == SweepResult()
    place = (world.app.workspace_id, outcomes[0].contact_id)
    assert world.hullo.store.list_timeline(*place, PageRequest()).items == ()
    pass_days(world, 300)
    swept = {each.app.id: each.removed for each in run(world).apps}
    assert (swept[world.app.app_id].conversations, swept[world.app.app_id].messages) == (1, 1)
    assert conversations(world) == 0


@pytest.mark.rule("P3")
def test_second_retention_run_removes_nothing(world: World) -> None:
    world.visitor().join()
    pass_days(world, 31)
    before = len(world.audit())
    assert run(world).total_removed.total == 2
    assert run(world).total_removed.total == 0
    [entry] = world.audit()[before:]
    assert (entry.action, entry.by, entry.subject) == ("retention.run", "retention", world.app.workspace_id)
    assert entry.data == {"removed": {world.app.app_id: {"sessions": 1, "visitors": 1}}}


@pytest.mark.rule("P3")
def test_dry_run_counts_and_removes_nothing(world: World) -> None:
    for _ in range(3):
        world.visitor().join()
    pass_days(world, 31)
    before = len(world.audit())
    assert (
        run(world, dry_run=True).total_removed
        == run(world, dry_run=True).total_removed
        == SweepResult(sessions=3, visitors=3)
    )
    assert len(world.audit()) == before
    assert run(world).total_removed == SweepResult(sessions=3, visitors=3)


@pytest.mark.rule("P3")
def test_concurrent_runs_remove_each_row_once(world: World) -> None:
    """Each sees to it that the other's work is not its own: together they removed what there was."""
    for _ in range(12):
        world.visitor().join()
    pass_days(world, 31)
    barrier = threading.Barrier(2)
    runs: list[RetentionRun] = []

    def one() -> None:
        barrier.wait()
        runs.append(run(world))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.total_removed.sessions for each in runs) == 12
    assert sum(each.total_removed.visitors for each in runs) == 12
    told = [entry.data["removed"] for entry in world.audit() if entry.action == "retention.run"]
    assert len(told) == sum(each.total_removed.total > 0 for each in runs)


@pytest.mark.rule("P3", "H4")
def test_unproven_unseen_contacts_are_removed(world: World) -> None:
    second = world.hullo.create_app("Second")
    world.set_app(keep_contact_days="10", keep_conversation_days="none")
    claimant, talker, prover = world.visitor(), world.visitor(), world.visitor()
    claimant.identify(email="jane@example.com", custom_data={"plan": "pro", "seats": 3})
    talker.identify(email="joe@example.com")
    talker.say()
    prover.identify(external_id="ann", user_hash=world.sign("ann"))
    before = {contact.email or contact.external_id for contact in world.contacts()}
    assert before == {"jane@example.com", "joe@example.com", "ann"}
    pass_days(world, 11)
    assert run(world).contacts == 0  # the other app of the workspace keeps contacts for longer
    world.hullo.register.change_app(second.app_key, {"keep_contact_days": "9"})
    assert (run(world, dry_run=True).contacts, len(world.contacts())) == (1, 3)
    assert run(world).contacts == 1
    assert {contact.email or contact.external_id for contact in world.contacts()} == before - {"jane@example.com"}
    [told] = [entry for entry in world.audit() if entry.action == "retention.run"]
    assert told.data == {"removed": {}, "contacts": 1}
    assert run(world).contacts == 0
    session = claimant.resume().session
    assert (session.contact_id, session.is_identified) == (None, True)
    assert claimant.identify(email="jane@example.com").contact_id is not None
    assert len(world.contacts()) == 3


@pytest.mark.rule("P3")
def test_unset_retention_follows_the_rules() -> None:
    assert Retention() == Retention(
        anonymous_days=30, conversation_days=None, decision_days=90, timeline_days=None, contact_days=365
    )


class Sweeps:
    """Counts how often a store is asked to sweep, and says when it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0
        self.once = threading.Event()

    def sweep(self, *args: Any, **options: Any) -> SweepResult:
        self.asked += 1
        self.once.set()
        return self._store.sweep(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.rule("P3")
def test_only_one_process_runs_retention_each_day() -> None:
    store = open_store("memory:")
    counted: Any = Sweeps(store)
    World(store)
    worlds = [
        World(counted, without=["retention"], plugins=[RetentionJob(first_delay=0.0, interval=0.01)]) for _ in range(2)
    ]
    assert counted.once.wait(10)
    threading.Event().wait(0.1)
    sweeps = len(store.list_apps()) + len(store.list_workspaces())
    assert counted.asked <= sweeps
    counted.once.clear()
    for world in worlds:
        pass_days(world, 1.1)
    assert counted.once.wait(10)


@pytest.mark.rule("P3")
def test_store_outage_is_retried(caplog: pytest.LogCaptureFixture) -> None:
    store = open_store("memory:")
    counted: Any = Sweeps(store)
    World(store)
    world = World(counted, without=["retention"], plugins=[RetentionJob(first_delay=0.05, interval=0.01)])
    store.close()
    threading.Event().wait(0.1)
    store.open()
    assert counted.once.wait(10)
    assert "what is too old stays for now: unavailable" in caplog.text
    world.hullo.close()
