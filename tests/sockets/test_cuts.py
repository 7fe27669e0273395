"""What was said while a bus or a store was away is told all the same, and nothing is told twice."""

from __future__ import annotations

import pytest

from hullo.background import worker
from hullo.bus.notice import Notice
from hullo.errors import StoreUnavailable
from hullo.realtime import registry
from hullo.testing.bus.case import wait_until


class Looks:
    """Counts the looks that were taken, and fails them while `away`; with what was heard in no hour before the last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken = self.failed = 0
        self.away = False
        monkeypatch.setattr(registry, "CHECK_INTERVAL", 0.05)
        monkeypatch.setattr(registry, "OVERLAP", 0)
        monkeypatch.setattr(worker, "FAILURE_RETRY_DELAY", 0.02)
        for name in ("updates_from_notices", "updates_from_store"):
            monkeypatch.setattr(registry, name, self._counting(getattr(registry, name)))

    def go_by(self, count: int = 3) -> None:
        until = self.taken + count
        assert wait_until(lambda: self.taken >= until)

    def fail(self, count: int = 3) -> None:
        until = self.failed + count
        assert wait_until(lambda: self.failed >= until)

    def _counting(self, news):
        def counted(*asked):
            if self.away:
                self.failed += 1
                raise StoreUnavailable("away")
            yield from news(*asked)
            self.taken += 1

        return counted


@pytest.fixture
def looks(monkeypatch):
    return Looks(monkeypatch)


@pytest.fixture
def bus(site, monkeypatch):
    """A bus that seems to lead to other processes, with which the store is shared."""
    bus = site.shop.hullo.bus
    monkeypatch.setattr(site.shop.hullo.store, "shared_between_processes", True)
    monkeypatch.setattr(bus, "is_connected", True, raising=False)
    return bus


def missed(bus) -> None:
    bus._subscribers.handle_gap()


def test_messages_during_bus_cut_arrive_later(site, monkeypatch):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    heard: list[Notice] = []
    with monkeypatch.context() as cut:
        cut.setattr(site.shop.hullo.bus, "publish", heard.extend)
        site.reply(conversation_id, "are you there?")
    assert [each.kind for each in heard] == ["message"]
    assert socket.quiet()
    missed(site.shop.hullo.bus)
    assert socket.hear()["text"] == "are you there?"
    assert socket.quiet()


def test_messages_during_cut_are_found_by_polling(site, bus, looks, monkeypatch):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    looks.go_by()
    monkeypatch.setattr(bus, "publish", lambda notices: None)
    monkeypatch.setattr(bus, "is_connected", False)
    looks.go_by()
    site.reply(conversation_id, "are you there?")
    assert socket.hear()["text"] == "are you there?"
    looks.go_by()
    missed(bus)
    looks.go_by()
    assert socket.quiet()


def test_notices_during_store_outage_arrive_later(site, bus, looks):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    looks.go_by()
    looks.away = True
    site.reply(conversation_id, "are you there?")
    looks.fail()
    looks.away = False
    assert socket.hear()["text"] == "are you there?"
    looks.go_by()
    assert socket.quiet()


def test_failed_polls_lose_no_message(site, bus, looks, monkeypatch):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    monkeypatch.setattr(bus, "publish", lambda notices: None)
    monkeypatch.setattr(bus, "is_connected", False)
    looks.go_by()
    looks.away = True
    looks.fail(1)
    site.reply(conversation_id, "are you there?")
    looks.fail(5)
    looks.away = False
    assert socket.hear()["text"] == "are you there?"


def test_polling_repeats_no_message_from_join(site, bus, looks, monkeypatch):
    socket, joined = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    site.reply(conversation_id, "hello yourself")
    assert socket.hear()["author"] == "agent"
    monkeypatch.setattr(registry, "OVERLAP", 3_600_000_000)
    back, _ = site.join(joined["session_token"])
    missed(bus)
    looks.go_by()
    assert back.quiet()
    site.reply(conversation_id, "are you there?")
    assert back.hear()["text"] == "are you there?"


def test_clock_set_back_does_not_stop_polling(site, bus, looks, monkeypatch):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    looks.go_by()
    hullo = site.shop.hullo
    now = hullo.clock
    monkeypatch.setattr(hullo, "clock", lambda: now() - 3_600_000_000)
    looks.go_by()
    assert site.reply(conversation_id, "are you there?")
    assert socket.hear()["text"] == "are you there?"
