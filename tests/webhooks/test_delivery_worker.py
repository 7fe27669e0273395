"""Rule R4: what is due is posted, at least once and in order for each contact, until it is taken or given up."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import wait

import pytest

from hullo.application import Hullo
from hullo.background import outbox
from hullo.background.lease import LIFETIME
from hullo.errors import NotFound, StoreUnavailable
from hullo.hooks.entry_points import open_store
from hullo.model.instant import DAY, HOUR, MINUTE, SECOND
from hullo.model.webhook import Webhook
from hullo.secrets.vault import FORMAT_PREFIX
from hullo.settings import Settings
from hullo.store.protocol import Store
from hullo.webhooks import delivery_worker
from hullo.webhooks.plugin import Webhooks
from hullo.webhooks.schedule import JITTER, RETRY_DELAYS
from webhooks.office import Office
from webhooks.receiving import PATIENCE, Message, Receiver

pytestmark = pytest.mark.rule("R4")


def test_webhook_is_posted_on_commit(store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (outbox, delivery_worker):
        for pause, seconds in (("BUSY_INTERVAL", 60 * PATIENCE), ("IDLE_INTERVAL", 70 * PATIENCE)):
            monkeypatch.setattr(module, pause, seconds)  # nobody looks again by itself
    office = Office(store)
    webhook = office.subscribe(receiver).webhook
    office.visitor().identify(email="jane@example.com")
    assert [each.type for each in receiver.wait_for(2)] == ["contact.created", "contact.identified"]
    office.deliver()
    assert {each.state for each in office.deliveries(webhook)} == {"delivered"}


def test_delivered_event_is_logged_and_not_reposted(office: Office, receiver: Receiver) -> None:
    webhook = office.subscribe(receiver).webhook
    office.upsert(external_id="jane")
    office.deliver()
    office.clock.now += 30 * DAY
    office.deliver()
    [message] = receiver.messages
    [delivery] = office.deliveries(webhook)
    assert (delivery.event_id, delivery.body) == (message.id, message.body)
    assert (delivery.state, delivery.tries, delivery.last_status, delivery.last_error) == ("delivered", 1, 204, None)
    assert office.hullo.store.next_delivery_at() is None


class TestAFailure:
    def test_failed_delivery_is_retried_for_three_days(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        receiver.answer = lambda message: 500
        office.upsert(external_id="jane")
        office.deliver()
        began = office.clock.now
        for number, pause in enumerate(RETRY_DELAYS, start=1):
            assert len(receiver.messages) == number
            last = office.clock.now
            office.clock.now = last + round(pause * (1 - JITTER)) - SECOND
            office.deliver()
            assert len(receiver.messages) == number
            due_at = office.hullo.store.next_delivery_at()
            assert due_at is not None
            assert abs(due_at - last - pause) <= pause * JITTER + SECOND
            office.clock.now = due_at
            office.deliver()
        assert abs(office.clock.now - began - 3 * DAY) < 8 * HOUR
        [delivery] = office.deliveries(webhook)
        assert (delivery.state, delivery.tries, delivery.last_status) == ("failed", len(RETRY_DELAYS) + 1, 500)
        assert delivery.last_error == "it answered 500; given up after 11 tries"
        office.clock.now += 30 * DAY
        office.deliver()
        assert len(receiver.messages) == len(RETRY_DELAYS) + 1
        assert len({message.id for message in receiver.messages}) == 1

    def test_missing_machine_is_a_failure(self, office: Office) -> None:
        receiver = Receiver()
        with receiver.serving():
            webhook = office.subscribe(receiver).webhook
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        assert (delivery.state, delivery.last_status) == ("pending", None)
        assert delivery.last_error == "it refused the connection"

    def test_retry_waits_as_long_as_receiver_asks(self, office: Office, receiver: Receiver) -> None:
        office.subscribe(receiver)
        receiver.answer = lambda message: (429, {"retry-after": "3600"})
        office.upsert(external_id="jane")
        office.deliver()
        for later, messages in ((59 * MINUTE, 1), (2 * MINUTE, 2)):
            office.clock.now += later
            office.deliver()
            assert len(receiver.messages) == messages

    def test_gone_answer_fails_pending_deliveries(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        receiver.answer = lambda message: 410
        office.visitor().identify(email="jane@example.com")
        office.deliver()
        assert [each.state for each in office.deliveries(webhook)] == ["failed", "failed"]
        receiver.answer = lambda message: 200
        office.upsert(external_id="joe")
        office.deliver()
        assert [each.state for each in office.deliveries(webhook)] == ["failed", "failed", "delivered"]

    def test_internal_error_is_a_failure_too(
        self, office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        webhook = office.subscribe(receiver).webhook

        def fail(*_: object) -> None:
            raise RuntimeError("jane@example.com")

        office.upsert(external_id="jane")
        with monkeypatch.context() as patch:
            patch.setattr(office.poster.sender, "post", fail)
            office.deliver()
        [delivery] = office.deliveries(webhook)
        assert (delivery.state, delivery.tries) == ("pending", 1)
        assert delivery.last_error == "it could not be sent; the log of hullo says more"
        assert "RuntimeError" in caplog.text
        assert "jane@example.com" not in caplog.text


class TestOrder:
    def test_later_events_wait_only_for_their_contact(self, office: Office, receiver: Receiver) -> None:
        office.subscribe(receiver)
        jane = office.upsert(external_id="jane").contact_id
        receiver.answer = lambda message: 500 if message.contact_id == jane else 200
        office.upsert(external_id="jane", name="Jane")
        office.upsert(external_id="joe")
        office.upsert(external_id="joe", name="Joe")
        office.upsert(external_id="jane", name="Janet")
        office.deliver()
        told = defaultdict(list)
        for message in receiver.messages:
            told[message.contact_id].append(message.type)
        assert sorted(map(len, told.values())) == [1, 2]
        receiver.answer = lambda message: 200
        office.clock.now += MINUTE
        office.deliver()
        of_jane = [message for message in receiver.messages if message.contact_id == jane]
        assert [message.type for message in of_jane] == [
            "contact.created",
            *["contact.created"],
            *["contact.updated"] * 2,
        ]
        assert [message.id for message in of_jane[1:]] == sorted(message.id for message in of_jane[1:])

    def test_given_up_delivery_lets_next_one_pass(self, office: Office, receiver: Receiver) -> None:
        office.subscribe(receiver)
        receiver.answer = lambda message: 410 if message.type == "contact.created" else 200
        office.visitor().identify(email="jane@example.com")
        office.deliver()
        assert [message.type for message in receiver.messages] == ["contact.created", "contact.identified"]

    def test_contact_has_one_delivery_in_flight(self, office: Office, receiver: Receiver) -> None:
        office.subscribe(receiver)
        busy, most, guard = Counter[str](), Counter[str](), threading.Lock()

        def answer(message: Message) -> int:
            with guard:
                busy[message.contact_id] += 1
                most[message.contact_id] = max(most[message.contact_id], busy[message.contact_id])
                most["together"] = max(most["together"], sum(busy.values()))
            time.sleep(0.005)
            with guard:
                busy[message.contact_id] -= 1
            return 200

        receiver.answer = answer
        for step in range(4):
            for name in ("jane", "joe", "ann", "bob", "eve", "tom"):
                office.upsert(external_id=name, custom_data={"step": step})
        office.deliver()
        assert len(receiver.messages) == 24
        assert most.pop("together") <= delivery_worker.MAX_CONCURRENT_PER_WEBHOOK
        assert set(most.values()) == {1}


class TestSomebodyWhoIsSlow:
    def test_slow_receiver_blocks_no_other(self, store: Store, receiver: Receiver, other: Receiver) -> None:
        office = Office(store)
        opened = threading.Event()
        receiver.answer = lambda message: 200 if opened.wait(PATIENCE) else 500
        office.subscribe(receiver)
        office.subscribe(other)
        for number in range(3 * delivery_worker.MAX_CONCURRENT_PER_WEBHOOK):
            office.upsert(external_id=f"user_{number}")
        other.wait_for(3 * delivery_worker.MAX_CONCURRENT_PER_WEBHOOK)
        assert len(receiver.messages) <= delivery_worker.MAX_CONCURRENT_PER_WEBHOOK
        opened.set()
        receiver.wait_for(3 * delivery_worker.MAX_CONCURRENT_PER_WEBHOOK)

    def test_receiver_with_large_backlog_blocks_no_other(
        self, store: Store, receiver: Receiver, other: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery_worker, "BATCH_SIZE", 5)
        office = Office(store)
        opened = threading.Event()
        receiver.answer = lambda message: 200 if opened.wait(PATIENCE) else 500
        office.subscribe(receiver)
        for number in range(20):
            office.upsert(external_id=f"user_{number}")
        receiver.wait_for(delivery_worker.MAX_CONCURRENT_PER_WEBHOOK)
        office.subscribe(other)
        office.upsert(external_id="jane")
        other.wait_for(1)
        opened.set()

    def test_workspace_with_silent_receivers_blocks_no_other(
        self, store: Store, receiver: Receiver, other: Receiver
    ) -> None:
        office = Office(store)
        opened = threading.Event()
        receiver.answer = lambda message: 200 if opened.wait(PATIENCE) else 500
        for _ in range(10):
            office.subscribe(receiver)
        for number in range(20):
            office.upsert(external_id=f"user_{number}")
        receiver.wait_for(delivery_worker.SHARE)
        tenant = office.hullo.create_app("Tenant", workspace="Tenant")
        office.plugin.admin(by="agent:bob", workspace_id=tenant.workspace_id).create(
            tenant.workspace_id, other.url, (), None
        )
        for number in range(50):
            office.visitor(tenant).identify(external_id=f"customer_{number}")
        other.wait_for(50)
        opened.set()


def test_slots_leave_places_to_small_workspaces() -> None:
    slots = delivery_worker.Slots((), ())
    busy, small = a_webhook("w_1", "ws_1"), a_webhook("w_2", "ws_2")
    taken = 0
    while slots.has_place(webhook := a_webhook(f"w_{taken}", "ws_1")):
        slots.take(webhook)
        taken += 1
    assert taken == delivery_worker.MAX_CONCURRENT - delivery_worker.RESERVED
    assert not slots.has_place(busy)
    assert slots.has_place(small)


def test_slow_webhooks_have_few_slots() -> None:
    webhooks = [a_webhook(f"w_{number}", f"ws_{number // 2}") for number in range(12)]
    slots = delivery_worker.Slots({webhook.id for webhook in webhooks}, ())
    for webhook in webhooks:
        if slots.has_place(webhook):
            slots.take(webhook)
    # One of each workspace, up to the limit of all.
    assert slots.workspaces == {f"ws_{number}" for number in range(delivery_worker.MAX_SLOW)}
    assert slots.has_place(a_webhook("w_new", "ws_0"))


def a_webhook(webhook_id: str, workspace_id: str) -> Webhook:
    return Webhook(id=webhook_id, workspace_id=workspace_id, url="https://example.com/", created_at=0)


class TestAnotherProcess:
    def beside(self, office: Office) -> tuple[Hullo, Webhooks]:
        plugin = Webhooks()
        hullo = Hullo(
            office.hullo.store,
            plugins=[plugin],
            without=["webhooks"],
            settings=Settings(development=True),
            clock=office.clock,
        )
        return hullo, plugin

    def test_second_process_posts_nothing_during_first(self, office: Office, receiver: Receiver) -> None:
        office.subscribe(receiver)
        hullo, plugin = self.beside(office)
        with hullo:
            assert plugin.worker is not None

            def answer(message: Message) -> int:
                plugin.worker.drain()
                return 200

            receiver.answer = answer
            office.upsert(external_id="jane")
            office.deliver()
            assert len(receiver.messages) == 1

    def test_other_process_takes_over_from_dead_one(
        self, office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed after it was answered, and before it wrote that down."""
        webhook = office.subscribe(receiver).webhook
        hullo, plugin = self.beside(office)
        with hullo:
            assert plugin.worker is not None
            office.upsert(external_id="jane")
            office.tell()
            with monkeypatch.context() as patch:
                patch.setattr(delivery_worker.DeliveryWorker, "_record", lambda *_: None)
                office.poster._run_once()
                wait([under_way for _, under_way in office.poster._in_flight.values()])
            plugin.worker.drain()
            assert len(receiver.messages) == 1
            office.clock.now += LIFETIME
            plugin.worker.drain()
            first, again = receiver.messages
            assert (first.id, first.body) == (again.id, again.body)
            assert [each.state for each in office.deliveries(webhook)] == ["delivered"]


def test_unsaved_result_is_posted_again_later(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(office.poster._closing, "wait", pauses.append)
    webhook = office.subscribe(receiver).webhook
    office.upsert(external_id="jane")
    office.tell()
    failures = iter([StoreUnavailable("the disk is full")] * 3)
    plainly = office.hullo.store.apply

    def apply(changes: object) -> object:
        if failure := next(failures, None):
            raise failure
        return plainly(changes)  # type: ignore[arg-type]

    monkeypatch.setattr(office.hullo.store, "apply", apply)
    office.deliver()
    assert len(receiver.messages) == 4
    assert pauses == [delivery_worker.FAILURE_RETRY_DELAY] * 3
    assert [each.state for each in office.deliveries(webhook)] == ["delivered"]


class TestReplay:
    def test_replay_restarts_a_given_up_delivery(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        receiver.answer = lambda message: 410
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        again = office.book.replay(delivery.id)
        assert (again.state, again.tries) == ("pending", 0)
        receiver.answer = lambda message: 500
        office.deliver()
        receiver.answer = lambda message: 200
        office.clock.now += MINUTE
        office.deliver()
        [delivery] = office.deliveries(webhook)
        assert (delivery.state, delivery.tries) == ("delivered", 2)
        assert len({(message.id, message.body) for message in receiver.messages}) == 1

    def test_replay_posts_pending_delivery_at_once(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        receiver.answer = lambda message: (503, {"retry-after": "7200"})
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        receiver.answer = lambda message: 200
        office.book.replay(delivery.id)
        office.deliver()
        assert [each.state for each in office.deliveries(webhook)] == ["delivered"]

    def test_foreign_delivery_cannot_be_replayed(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        elsewhere = office.hullo.create_app("Elsewhere", workspace="elsewhere")
        for book in (
            office.plugin.admin(by="agent:eve", workspace_id=elsewhere.workspace_id),
            office.plugin.admin(by="agent:eve", workspace_id=office.app.workspace_id, app_id=office.app.app_id),
        ):
            with pytest.raises(NotFound):
                book.replay(delivery.id)
        with pytest.raises(NotFound):
            office.book.replay("dlv_1")
        office.book.delete(webhook.id)
        with pytest.raises(NotFound):
            office.book.replay(delivery.id)


def test_deleted_webhook_gets_no_more_events(office: Office, receiver: Receiver, other: Receiver) -> None:
    webhook = office.subscribe(receiver).webhook
    office.upsert(external_id="jane")
    office.upsert(external_id="joe")
    office.tell()
    office.book.delete(webhook.id)
    office.subscribe(other)
    office.upsert(external_id="jane", name="Jane")
    office.deliver()
    assert receiver.messages == []
    assert [message.type for message in other.messages] == ["contact.updated"]
    stored = office.hullo.store.find_webhook(webhook.id)
    assert stored is not None
    assert stored.secrets == ()


class TestATestMessage:
    def test_test_message_returns_result_and_is_logged(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver, "contact.merged").webhook
        taken = office.book.send_test(webhook.id)
        [message] = receiver.messages
        assert (message.type, message.id) == ("webhook.test", taken.event_id)
        assert message.said["data"]["webhook_id"] == webhook.id
        assert (taken.state, taken.last_status) == ("delivered", 204)
        receiver.answer = lambda message: 500
        refused = office.book.send_test(webhook.id)
        assert (refused.state, refused.last_error) == ("failed", "it answered 500")
        office.deliver()
        assert len(receiver.messages) == 2
        assert office.deliveries(webhook) == [taken, refused]


class TestSecrets:
    def test_secrets_are_sealed_and_still_sign(self, store: Store, receiver: Receiver, by_hand: None) -> None:
        old, new = secrets.token_hex(32), secrets.token_hex(32)
        office = Office(store, settings=Settings(development=True, master_keys=(old,)))
        told = office.subscribe(receiver)
        rotated = office.book.rotate_secret(told.webhook.id)
        stored = store.find_webhook(told.webhook.id)
        assert stored is not None
        assert all(each.secret.startswith(FORMAT_PREFIX) for each in stored.secrets)
        assert told.secret not in repr([told, stored, rotated])
        office.hullo.close()
        with Hullo(store, settings=Settings(master_keys=(new, old))):
            resealed = store.find_webhook(told.webhook.id)
            assert resealed is not None
            assert resealed.secrets != stored.secrets
        again = Office(store, settings=Settings(development=True, master_keys=(new,)))
        assert again.plugin.admin(by="agent:ada").send_test(told.webhook.id).state == "delivered"
        assert len(receiver.messages[0].headers["webhook-signature"].split()) == 2


@pytest.mark.rule("P4")
def test_log_holds_no_address_secret_or_message(
    receiver: Receiver, by_hand: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office = Office(open_store("memory:"))
    new = office.subscribe(receiver)
    receiver.answer = lambda message: 500
    office.upsert(external_id="very-private-id")
    office.deliver()
    office.book.send_test(new.webhook.id)
    assert "it answered 500" in caplog.text
    for text in (new.secret, "from=hullo", str(receiver.port), "very-private-id", "v1,", receiver.messages[0].body):
        assert text not in caplog.text


class TestClosing:
    def test_closing_waits_for_posts_and_keeps_rest(self, store: Store, receiver: Receiver) -> None:
        office = Office(store)
        opened = threading.Event()
        receiver.answer = lambda message: 200 if opened.wait(PATIENCE) else 500
        webhook = office.subscribe(receiver).webhook
        for name in ("jane", "jane"):
            office.upsert(external_id=name, custom_data={"step": len(receiver.messages)})
            receiver.wait_for(1)
        closing = threading.Thread(target=office.hullo.close)
        closing.start()
        opened.set()
        closing.join(PATIENCE)
        assert not closing.is_alive()
        office.hullo.open()
        assert office.deliveries(webhook)[0].state == "delivered"
        office.hullo.outbox_worker.wake()
        receiver.wait_for(2)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait


def test_overdue_delivery_is_posted_at_next_start(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    from hullo.background.worker import BackgroundWorker

    with monkeypatch.context() as patch:
        patch.setattr(BackgroundWorker, "wake", lambda rounds: None)
        office = Office(store)
        webhook = office.subscribe(receiver).webhook
        office.upsert(external_id="jane")
        office.tell()
        office.hullo.close()
    office.hullo.open().outbox_worker.wake()
    receiver.wait_for(1)
    wait_until(lambda: office.deliveries(webhook)[0].state == "delivered")
