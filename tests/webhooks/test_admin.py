"""Several people at one webhook, and what is made of a hullo that is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hullo.errors import TooContended, Unavailable
from hullo.model.instant import HOUR
from hullo.store.protocol import PageRequest, StoreConflict
from hullo.webhooks.plugin import Webhooks
from webhooks.office import Office
from webhooks.receiving import PATIENCE, Receiver

PEOPLE = 4


def at_once(act: Callable[[int], object]) -> list[object]:
    together = threading.Barrier(PEOPLE)

    def one(number: int) -> object:
        together.wait(PATIENCE)
        return act(number)

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(one, range(PEOPLE)))


@pytest.mark.rule("R4")
class TestSeveralPeople:
    def test_concurrent_agents_make_and_change_webhooks(self, office: Office, receiver: Receiver) -> None:
        at_once(lambda number: office.subscribe(receiver))
        webhook = office.book.list_webhooks()[0]
        assert len(office.book.list_webhooks()) == PEOPLE
        at_once(lambda number: office.book.rotate_secret(webhook.id, overlap=HOUR))
        assert len(office.book.find(webhook.id).secrets) == PEOPLE + 1
        entries = office.hullo.store.list_audit(office.app.workspace_id, PageRequest(limit=200)).items
        assert [each.action for each in entries].count("webhook.rotated") == PEOPLE

    def test_concurrent_replays_post_one_delivery_once(self, office: Office, receiver: Receiver) -> None:
        webhook = office.subscribe(receiver).webhook
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        at_once(lambda number: office.book.replay(delivery.id))
        office.deliver()
        assert len(receiver.messages) == 2

    def test_agents_get_an_error_under_endless_contention(
        self, office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hullo.store.backoff.MAX_ATTEMPTS", 3)
        webhook = office.subscribe(receiver).webhook
        office.upsert(external_id="jane")
        office.deliver()
        [delivery] = office.deliveries(webhook)
        with monkeypatch.context() as patch:
            patch.setattr(office.hullo.store, "apply", lambda changes: [StoreConflict("webhook")])
            for act in (
                lambda: office.subscribe(receiver),
                lambda: office.book.rotate_secret(webhook.id),
                lambda: office.book.replay(delivery.id),
            ):
                with pytest.raises(TooContended):
                    act()


def test_closed_hullo_gives_no_webhook_book(office: Office) -> None:
    office.hullo.close()
    with pytest.raises(Unavailable):
        office.plugin.admin(by="agent:ada")
    Webhooks().shutdown()
