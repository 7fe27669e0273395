"""Rules R4 and E: what is committed is told, at least once and in order, by one of several processes."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable

import pytest

from hullo.application import Hullo
from hullo.background import outbox
from hullo.background.lease import LIFETIME
from hullo.background.webhook_fan_out import delivery_id
from hullo.background.worker import BackgroundWorker
from hullo.errors import StoreUnavailable, TooContended
from hullo.hooks.hookspecs import hookimpl
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.event import Event
from hullo.model.instant import SECOND
from hullo.model.webhook import Delivery, Webhook
from hullo.store.protocol import PageRequest, Store, StoreConflict
from rules.test_privacy import PERSONAL
from world import World

PATIENCE = 10.0
"""Seconds after which something that does not come is taken for lost."""


class Listener:
    """Remembers which events it was told of, and does what the test wants done meanwhile."""

    def __init__(self, name: str = "listener", act: Callable[[Event], object] = lambda event: None) -> None:
        self.name, self.told, self.act = name, list[Event](), act
        self._more = threading.Condition()

    @hookimpl
    def event_committed(self, event: Event) -> None:
        with self._more:
            self.told.append(event)
            self._more.notify_all()
        self.act(event)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.told]

    def wait_for(self, count: int, patience: float = PATIENCE) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.told) >= count, patience), self.names


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told until the test says so."""
    monkeypatch.setattr(BackgroundWorker, "wake", lambda rounds: None)


def subscribed(world: World, number: int = 1, **fields: object) -> Webhook:
    """A webhook as the store has it; nobody posts to it here."""
    options: dict[str, object] = {
        "id": f"whk_{number}",
        "workspace_id": world.app.workspace_id,
        "url": "https://hooks.example.com",
        "created_at": world.clock(),
        **fields,
    }
    webhook = Webhook(**options)  # type: ignore[arg-type]
    world.hullo.store.apply([ChangeSet(webhooks=(insertion(webhook),))])
    return webhook


def deliveries(world: World, webhook: Webhook) -> list[Delivery]:
    page = world.hullo.store.list_deliveries(webhook.id, PageRequest(limit=200))
    return [*reversed(page.items)]


def beside(world: World, *plugins: object) -> Hullo:
    """As another process over the same store, with the same idea of the time."""
    return Hullo(world.hullo.store, plugins=plugins, without=["webhooks"], clock=world.clock)


@pytest.mark.rule("R4")
def test_observers_get_event_on_commit(store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("BUSY_INTERVAL", "IDLE_INTERVAL"):
        monkeypatch.setattr(outbox, pause, 60 * PATIENCE)  # nobody looks again by itself
    world = World(store, plugins=[listener])
    world.visitor().identify(email="jane@example.com")
    listener.wait_for(2)
    assert listener.names == ["contact.created", "contact.identified"]
    world.tell()
    assert store.list_outbox(1) == ()


@pytest.mark.rule("R4")
def test_observer_and_webhook_get_same_events(store: Store, listener: Listener) -> None:
    world = World(store, plugins=[listener])
    webhook = subscribed(world)
    browser = world.visitor()
    browser.join()
    browser.say("Hello?")
    browser.identify(email="jane@example.com")
    browser.identify(external_id="jane", email="jane@example.com", signed="external_id")
    browser.reset()
    world.tell()
    assert [each.event_id for each in deliveries(world, webhook)] == [event.id for event in listener.told]
    assert listener.names == [
        "conversation.created",
        "message.created",
        "contact.created",
        "contact.identified",
        "conversation.linked",
        "contact.updated",
        "visitor.reset",
    ]
    for delivery, event in zip(deliveries(world, webhook), listener.told, strict=True):
        said = json.loads(delivery.body)
        assert said["type"] == event.name
        assert said["data"] == {
            "workspace_id": event.workspace_id,
            "app_id": event.app_id,
            "contact_id": event.contact_id,
            **event.data,
        }


@pytest.mark.rule("R4", "C5")
def test_events_of_one_contact_keep_their_order(store: Store, listener: Listener) -> None:
    world = World(store, plugins=[listener])
    webhook = subscribed(world)
    people = [world.upsert(external_id=f"user_{number}").contact_id for number in range(4)]
    together = threading.Barrier(len(people))

    def write(number: int) -> None:
        together.wait(PATIENCE)
        for step in range(10):
            world.upsert(external_id=f"user_{number}", custom_data={f"step_{step}": step})

    writers = [threading.Thread(target=write, args=(number,)) for number in range(len(people))]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    world.tell()
    steps = defaultdict(list)
    for event in listener.told:
        if event.name == "contact.updated":
            steps[event.contact_id].append(event.data["fields"])
    assert set(steps) == set(people)
    assert all(each == [[f"custom_data.step_{step}"] for step in range(10)] for each in steps.values())
    assert [each.event_id for each in deliveries(world, webhook)] == sorted(event.id for event in listener.told)


@pytest.mark.rule("R4")
def test_failing_observer_does_not_block_others(store: Store, by_hand: None) -> None:
    def fail(event: Event) -> None:
        raise RuntimeError

    failing, other = Listener("failing", fail), Listener("other")
    world = World(store, plugins=[failing, other])
    webhook = subscribed(world)
    world.visitor().identify(email="jane@example.com")
    world.tell()
    assert failing.names == other.names == ["contact.created", "contact.identified"]
    assert [each.event_name for each in deliveries(world, webhook)] == other.names
    assert store.list_outbox(1) == ()


@pytest.mark.rule("E")
def test_webhook_gets_only_subscribed_events(store: Store, by_hand: None) -> None:
    world = World(store)
    other = world.hullo.create_app("Other")
    everything = subscribed(world, 1)
    created_alone = subscribed(world, 2, events=("contact.created",))
    of_the_other = subscribed(world, 3, app_id=other.app_id)
    of_nobody_here = subscribed(world, 4, workspace_id="ws_elsewhere")
    deleted = subscribed(world, 5, deleted_at=world.clock())
    world.visitor().identify(email="jane@example.com")
    world.visitor(other).identify(email="joe@example.com")
    world.tell()
    told = {
        each.id: [delivery.event_name for delivery in deliveries(world, each)] for each in (everything, created_alone)
    }
    assert told[everything.id] == ["contact.created", "contact.identified"] * 2
    assert told[created_alone.id] == ["contact.created"] * 2
    assert [each.event_name for each in deliveries(world, of_the_other)] == ["contact.created", "contact.identified"]
    assert deliveries(world, of_nobody_here) == deliveries(world, deleted) == []


@pytest.mark.rule("E", "W9")
def test_contact_updated_names_changed_fields(store: Store, listener: Listener, by_hand: None) -> None:
    world = World(store, plugins=[listener])
    world.upsert(external_id="jane", name="Jane", custom_data={"plan": "free"})
    world.upsert(external_id="jane", name="Jane", custom_data={"plan": "free"})
    world.upsert(external_id="jane", name="Jane", custom_data={"plan": "pro"})
    world.tell()
    told = [(event.name, event.data.get("fields")) for event in listener.told if event.name != "contact.created"]
    assert told == [("contact.updated", ["custom_data.plan"])]


@pytest.mark.rule("W9")
def test_unchanged_call_emits_no_event(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(store)
    browser = world.visitor()
    browser.identify(external_id="jane", signed="external_id")
    nudges: list[str] = []
    monkeypatch.setattr(BackgroundWorker, "wake", lambda rounds: nudges.append("nudged"))
    browser.identify(external_id="jane", signed="external_id")
    browser.resume()
    assert nudges == []
    browser.identify(external_id="jane", signed="external_id", name="Jane")
    assert nudges


@pytest.mark.rule("P4")
def test_delivered_event_holds_no_personal_data(store: Store, by_hand: None) -> None:
    world = World(store)
    webhook = subscribed(world)
    browser = world.visitor()
    browser.join()
    browser.say("a private message")
    browser.identify(**PERSONAL)
    browser.identify(**PERSONAL, user_hash=world.sign("very-private-id"))
    world.upsert(**{**PERSONAL, "name": "Still Private"})
    world.upsert(email="very.private@example.com", external_id="another-private-id")
    world.tell()
    bodies = "".join(each.body for each in deliveries(world, webhook))
    assert "contact.updated" in bodies
    assert "identity.conflict" in bodies
    for value in ("private", "Private", "5550123"):
        assert value not in bodies


class TestAnotherProcess:
    """R4, over one store."""

    pytestmark = pytest.mark.rule("R4")

    def test_other_process_delivers_events_of_killed_one(self, store: Store, listener: Listener, by_hand: None) -> None:
        world = World(store)
        world.upsert(external_id="jane")
        with beside(world, listener) as other:
            other.outbox_worker.drain()
            assert listener.names == ["contact.created"]

    def test_idle_process_finds_events_without_notice(
        self, store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "IDLE_INTERVAL", 0.02)
        world = World(store, plugins=[listener])
        world.hullo.outbox_worker.wake()
        with monkeypatch.context() as patch:
            patch.setattr(BackgroundWorker, "wake", lambda rounds: None)
            world.upsert(external_id="jane")
        listener.wait_for(1)

    def test_second_process_waits_while_first_delivers(self, store: Store, listener: Listener, by_hand: None) -> None:
        world = World(store)
        with beside(world, listener) as other:
            other.open()
            world.visitor().identify(email="jane@example.com")
            world.hullo.outbox_worker.drain()
            world.visitor().identify(email="joe@example.com")
            other.outbox_worker.drain()
            assert listener.told == []
            assert len(store.list_outbox(9)) == 2
            world.hullo.outbox_worker.drain()
            assert store.list_outbox(1) == ()

    def test_other_process_ignores_idle_lease_holder(
        self, store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "BUSY_INTERVAL", 0.01)
        monkeypatch.setattr(outbox, "IDLE_INTERVAL", PATIENCE)
        first = Listener("first")
        world = World(store, plugins=[first])
        with beside(world, listener) as other:
            world.upsert(external_id="jane")
            first.wait_for(1)
            deadline = time.monotonic() + PATIENCE
            # For as long as others ask for it: a shorter wish would take theirs for the word of a wrong clock.
            while not store.acquire_lease(outbox.LEASE_NAME, "somebody", now := world.clock(), now + LIFETIME):
                assert time.monotonic() < deadline
            store.release_lease(outbox.LEASE_NAME, "somebody")
            monkeypatch.setattr(BackgroundWorker, "wake", lambda rounds: None)
            world.upsert(external_id="joe")
            other.outbox_worker.drain()
            assert listener.names == ["contact.created"]

    def test_other_process_takes_over_from_dead_one(self, store: Store, listener: Listener, by_hand: None) -> None:
        world = World(store)
        world.upsert(external_id="jane")
        world.tell()  # and it keeps the right to, as it may have more to tell
        world.upsert(external_id="joe")
        with beside(world, listener) as other:
            other.outbox_worker.drain()
            assert listener.told == []
            world.clock.now += LIFETIME
            other.outbox_worker.drain()
            assert listener.names == ["contact.created"]

    def test_takeover_from_slow_process_doubles_no_delivery(self, store: Store, by_hand: None) -> None:
        second = Listener("second")

        def sleep_long(event: Event) -> None:
            if len(first.told) == 1:
                world.clock.now += LIFETIME + SECOND
                other.outbox_worker.drain()

        first = Listener("first", sleep_long)
        world = World(store, plugins=[first])
        webhook = subscribed(world)
        with beside(world, second) as other:
            world.visitor().identify(email="jane@example.com")
            world.tell()
            assert first.names == ["contact.created"]
            assert second.names == ["contact.created", "contact.identified"]
            assert [each.event_name for each in deliveries(world, webhook)] == second.names

    def test_late_write_by_slow_process_doubles_nothing(self, store: Store, by_hand: None) -> None:
        """The other process is done before the first one comes to write."""

        def sleep_long(event: Event) -> None:
            world.clock.now += LIFETIME + SECOND
            other.outbox_worker.drain()

        world = World(store, plugins=[Listener("first", sleep_long)])
        webhook = subscribed(world)
        with beside(world) as other:
            world.upsert(external_id="jane")
            world.tell()
            [delivery] = deliveries(world, webhook)
            assert delivery.id == delivery_id(webhook.id, delivery.event_id)


@pytest.mark.rule("R4")
def test_event_is_retried_when_result_is_unsaved(
    store: Store, listener: Listener, by_hand: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(store, plugins=[listener])
    webhook = subscribed(world)
    world.upsert(external_id="jane")

    def away(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", away)
        with pytest.raises(StoreUnavailable):
            world.tell()
    assert deliveries(world, webhook) == []
    world.tell()
    assert listener.names == ["contact.created"] * 2
    assert len({event.id for event in listener.told}) == 1
    assert len(deliveries(world, webhook)) == 1


@pytest.mark.rule("R4")
def test_contended_event_stays_in_the_outbox(store: Store, by_hand: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullo.store.backoff.MAX_ATTEMPTS", 3)
    world = World(store)
    world.upsert(external_id="jane")
    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", lambda changes: [StoreConflict("delivery")])
        with pytest.raises(TooContended):
            world.tell()
    assert len(store.list_outbox(9)) == 1
    world.tell()
    assert store.list_outbox(9) == ()


@pytest.mark.rule("R4")
def test_store_outage_is_retried_and_logged_once(
    store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hullo.background.worker.FAILURE_RETRY_DELAY", 0.01)
    world = World(store, plugins=[listener])
    asked = threading.Semaphore(0)

    def away(limit: int) -> None:
        asked.release()
        raise StoreUnavailable("the database is being moved")

    with monkeypatch.context() as patch:
        patch.setattr(store, "list_outbox", away)
        world.upsert(external_id="jane")
        for _ in range(5):
            assert asked.acquire(timeout=PATIENCE)
    listener.wait_for(1)
    said = [each.getMessage() for each in caplog.records if each.name == "hullo.rounds"]
    assert said == ["outbox cannot go on, and is tried again: the database is being moved"]


class TestClosing:
    pytestmark = pytest.mark.rule("R4")

    def test_closing_delivers_pending_events(self, store: Store, listener: Listener, by_hand: None) -> None:
        world = World(store, plugins=[listener])
        world.visitor().identify(email="jane@example.com")
        world.hullo.close()
        assert listener.names == ["contact.created", "contact.identified"]
        store.open()
        assert store.list_outbox(1) == ()

    def test_closing_waits_limited_time_and_loses_nothing(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbox, "CLOSE_TIMEOUT", 0.05)
        stuck, opened, done = threading.Event(), threading.Event(), threading.Event()

        def hang(event: Event) -> None:
            stuck.set()
            opened.wait(6 * PATIENCE)
            done.set()

        others = set(threading.enumerate())
        world = World(store, plugins=[Listener(act=hang)])
        world.visitor().identify(email="jane@example.com")
        assert stuck.wait(PATIENCE)
        world.hullo.close()
        assert not done.is_set()
        store.open()
        assert len(store.list_outbox(9)) == 2
        opened.set()
        for thread in set(threading.enumerate()) - others:
            if thread.name == f"hullo {outbox.LEASE_NAME}":
                thread.join(PATIENCE)
        assert [event.name for event in store.list_outbox(9)][-1:] == ["contact.identified"]

    def test_observer_may_close_hullo(self, store: Store) -> None:
        listener = Listener(act=lambda event: world.hullo.close())
        world = World(store, plugins=[listener])
        world.upsert(external_id="jane")
        listener.wait_for(1)
        deadline = time.monotonic() + PATIENCE
        while world.hullo.is_open:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def test_observer_may_write_and_receive_that_event(self, store: Store) -> None:
        def add(event: Event) -> None:
            if event.name == "contact.created":
                world.upsert(external_id="jane", custom_data={"welcomed": True})
                world.tell()

        listener = Listener(act=add)
        world = World(store, plugins=[listener])
        world.upsert(external_id="jane")
        listener.wait_for(2)
        assert listener.names == ["contact.created", "contact.updated"]

    def test_reopening_resumes_delivery(self, store: Store, listener: Listener) -> None:
        world = World(store, plugins=[listener])
        world.hullo.close()
        world.hullo.open()
        world.upsert(external_id="jane")
        listener.wait_for(1)
