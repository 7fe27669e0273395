"""`hullo webhooks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from cli.serving import Server
from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.store.protocol import PageRequest
from webhooks.receiving import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _development(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this very machine may be posted to."""
    monkeypatch.setenv("HULLO_DEVELOPMENT", "1")


@pytest.fixture
def app_key(terminal: Terminal) -> str:
    return str(terminal.json("app", "create", "Shop")["app_key"])


def test_webhook_is_made_listed_and_deleted(terminal: Terminal, app_key: str, receiver: Receiver):
    words = ("--event", "contact.created", "--event", "contact.updated", "--app", app_key)
    made = terminal.json("webhooks", "create", receiver.url, *words)
    assert made["secret"].startswith("whsec_")
    assert (made["app_id"], made["events"]) == (app_key, ["contact.created", "contact.updated"])
    [listed] = terminal.json("webhooks", "list")["items"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    text = terminal.text("webhooks", "list")
    assert all(word in text for word in (made["id"], receiver.url, "contact.created, contact.updated"))
    assert made["secret"] not in text
    assert terminal.json("webhooks", "delete", made["id"]) == {"id": made["id"], "deleted": True}
    assert "hullo webhooks create URL" in terminal.text("webhooks", "list")
    assert "no such webhook" in terminal.refusal("webhooks", "delete", made["id"])


def test_webhook_test_reports_result_and_exit_status(terminal: Terminal, app_key: str, receiver: Receiver):
    made = terminal.json("webhooks", "create", receiver.url)
    assert "It was taken: 204." in terminal.text("webhooks", "test", made["id"])
    [message] = receiver.messages
    assert message.verified_with(made["secret"])["type"] == "webhook.test"
    receiver.answer = lambda message: 500
    refused = terminal.type("webhooks", "test", made["id"])
    assert (refused.exit_code, refused.stdout) == (1, "It was not taken: it answered 500.\n")
    told = json.loads(terminal.type("webhooks", "test", made["id"], "--json").stdout)
    assert (told["state"], told["last_status"]) == ("failed", 500)
    log = terminal.json("webhooks", "deliveries", made["id"])["items"]
    assert [each["state"] for each in log] == ["failed", "failed", "delivered"]
    text = terminal.text("webhooks", "deliveries", made["id"], "--limit", "1")
    assert "it answered 500" in text
    assert len(text.splitlines()) == 2


def test_secret_rotates_with_or_without_overlap(terminal: Terminal, app_key: str, receiver: Receiver):
    made = terminal.json("webhooks", "create", receiver.url)
    rotated = terminal.json("webhooks", "rotate", made["id"])
    assert [each["expires_at"] is None for each in rotated["secrets"]] == [True, False]
    assert "whsec_" in terminal.text("webhooks", "rotate", made["id"], "--overlap", "0")
    [webhook] = terminal.json("webhooks", "list")["items"]
    assert len(webhook["secrets"]) == 1


def test_new_secret_prints_its_usage(terminal: Terminal, app_key: str, receiver: Receiver):
    text = terminal.text("webhooks", "create", receiver.url)
    assert "It is not shown again" in text
    assert "hullo webhooks test whk_" in text
    assert "It was told nothing yet." in terminal.text(
        "webhooks", "deliveries", terminal.json("webhooks", "list")["items"][0]["id"]
    )


def test_webhook_belongs_to_the_named_workspace(terminal: Terminal, receiver: Receiver):
    assert "create an app first" in terminal.refusal("webhooks", "create", receiver.url)
    acme = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    assert terminal.json("webhooks", "create", receiver.url)["workspace_id"] == acme["workspace_id"]
    other = terminal.json("app", "create", "Shop", "--workspace", "Other")
    assert "say which workspace" in terminal.refusal("webhooks", "create", receiver.url)
    for words in (("--workspace", "Other"), ("--workspace", other["workspace_id"]), ("--app", other["app_key"])):
        assert terminal.json("webhooks", "create", receiver.url, *words)["workspace_id"] == other["workspace_id"]
    assert "no workspace is called" in terminal.refusal("webhooks", "create", receiver.url, "--workspace", "Nobody")
    assert "no app has this app_key" in terminal.refusal("webhooks", "create", receiver.url, "--app", "app_1")


def test_forbidden_url_is_refused_in_a_sentence(terminal: Terminal, app_key: str):
    refusal = terminal.refusal("webhooks", "create", "https://192.168.1.1/hook")
    assert "url: has a host without a public address" in refusal
    assert "contact.renamed" in terminal.misuse(
        "webhooks", "create", "https://x.example.com", "--event", "contact.renamed"
    )


def test_audit_log_names_the_command_line(terminal: Terminal, app_key: str, receiver: Receiver):
    made = terminal.json("webhooks", "create", receiver.url)
    with Hullo(f"sqlite:///{terminal.folder}/hullo.db") as hullo:
        entries = hullo.store.list_audit(made["workspace_id"], PageRequest()).items
    assert ("webhook.created", made["id"], "command line") in [(each.action, each.subject, each.by) for each in entries]


@pytest.mark.rule("R4")
@pytest.mark.slow
def test_replayed_delivery_is_posted_by_the_server(
    terminal: Terminal, start: Callable[..., Server], app_key: str, receiver: Receiver
):
    made = terminal.json("webhooks", "create", receiver.url)
    server = start().ready()
    said = {"app_key": app_key, "email": "jane@example.com"}
    answer = server.call("POST", "/hullo/v1/identify", said)
    assert answer.status == 200
    first, _ = receiver.wait_for(2)
    delivery = terminal.json("webhooks", "deliveries", made["id"])["items"][-1]
    assert delivery["event_id"] == first.id
    assert "posted again" in terminal.text("webhooks", "replay", delivery["id"])
    assert receiver.wait_for(3)[2].id == first.id
