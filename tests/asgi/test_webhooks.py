"""Webhooks, as servers with an API key manage them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from asgi.conftest import Shop
from hullo import Hullo
from hullo.model.app import Scope
from hullo.model.event import EVENT_NAMES
from hullo.settings import Settings
from hullo.store.protocol import PageRequest
from hullo.webhooks.admin import MAX_WEBHOOKS
from webhooks.receiving import Receiver

pytestmark = pytest.mark.rule("R4")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def shop(serve: Callable[..., Shop], backend: str) -> Shop:
    """In development, so that this very machine may be posted to."""
    return serve(Hullo("memory:", settings=Settings(development=True)), backend)


class Server:
    """A site's server, with its key."""

    def __init__(self, shop: Shop, *scopes: Scope, app_key: str | None = None) -> None:
        self.shop, self.key = shop, shop.api_key(*scopes, app_key=app_key)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self.key}"}
        return self.shop.http.request(method, f"/hullo/v1{path}", json=body, headers=headers)

    def subscribe(self, url: str, **body: object) -> Any:
        answer = self("POST", "/webhooks", {"url": url, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def server(shop: Shop) -> Server:
    return Server(shop)


def test_webhook_is_created_read_changed_deleted(server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url, events=["contact.created", "contact.merged", "contact.created"])
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["app_id"]) == (receiver.url, ["contact.created", "contact.merged"], None)
    shown = {name: value for name, value in made.items() if name != "secret"}
    path = f"/webhooks/{made['id']}"
    assert server("GET", path).json() == shown
    assert server("GET", "/webhooks").json() == {"items": [shown], "next": None}
    changed = server("PATCH", path, {"events": []}).json()
    assert changed == {**shown, "events": []}
    assert server("PATCH", path, {}).json() == changed
    assert server("PATCH", path, {"url": f"{receiver.url}&more"}).json()["url"].endswith("&more")
    assert server("DELETE", path).json() == {"id": made["id"], "deleted": True}
    assert server("GET", "/webhooks").json()["items"] == []
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        answer = server(method, path + rest, {} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_event_is_posted_signed_and_logged(shop: Shop, server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url)
    shop.identify(email="jane@example.com")
    created, identified = receiver.wait_for(2)
    assert created.verified_with(made["secret"])["type"] == "contact.created"
    assert identified.verified_with(made["secret"])["type"] == "contact.identified"
    log = server("GET", f"/webhooks/{made['id']}/deliveries?limit=1").json()
    rest = server("GET", f"/webhooks/{made['id']}/deliveries?limit=1&cursor={log['next']}").json()
    assert rest["next"] is None
    told = [*rest["items"], *log["items"]]
    assert [(each["type"], each["event_id"], each["body"]) for each in told] == [
        (each.type, each.id, each.body) for each in (created, identified)
    ]


def test_delivery_can_be_replayed(shop: Shop, server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url)
    shop.identify(email="jane@example.com")
    receiver.wait_for(2)
    delivery = server("GET", f"/webhooks/{made['id']}/deliveries").json()["items"][0]
    again = server("POST", f"/deliveries/{delivery['id']}/replay").json()
    assert (again["id"], again["state"], again["tries"]) == (delivery["id"], "pending", 0)
    assert receiver.wait_for(3)[2].id == delivery["event_id"]
    assert server("POST", "/deliveries/dlv_1/replay").status_code == 404


def test_test_button_reports_its_outcome(server: Server, receiver: Receiver) -> None:
    path = f"/webhooks/{server.subscribe(receiver.url)['id']}/test"
    told = server("POST", path).json()
    assert (told["type"], told["state"], told["last_status"], told["next_at"]) == (
        "webhook.test",
        "delivered",
        204,
        None,
    )
    receiver.answer = lambda message: 503
    told = server("POST", path).json()
    assert (told["state"], told["last_status"], told["last_error"]) == ("failed", 503, "it answered 503")


def test_rotated_secret_shown_once_old_one_overlaps(server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url)
    path = f"/webhooks/{made['id']}"
    rotated = server("POST", f"{path}/rotate").json()
    server("POST", f"{path}/test")
    [message] = receiver.messages
    assert message.verified_with(made["secret"]) == message.verified_with(rotated["secret"])
    newest, older = rotated["secrets"]
    assert (newest["expires_at"], older["created_at"]) == (None, made["created_at"])
    assert older["expires_at"] is not None
    assert len(server("POST", f"{path}/rotate", {"overlap_seconds": None}).json()["secrets"]) == 3
    at_once = server("POST", f"{path}/rotate", {"overlap_seconds": 0}).json()
    assert len(at_once["secrets"]) == 1
    assert "secret" not in server("GET", path).json()


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "url", "is missing"),
        ({"url": 7}, "url", "must be text"),
        ({"url": "ftp://hooks.example.com/"}, "url", "must begin with https://"),
        ({"url": "https://10.0.0.1/"}, "url", "has a host without a public address"),
        ({"url": "https://jane:secret@hooks.example.com/"}, "url", "a user name or a password"),
        ({"url": "http://127.0.0.1/", "events": "contact.created"}, "events", "must be a list of names"),
        ({"url": "http://127.0.0.1/", "events": [7]}, "events", "must be a list of names"),
        ({"url": "http://127.0.0.1/", "events": ["contact.renamed"]}, "events", "the events are contact.created"),
        ({"url": "http://127.0.0.1/", "app_id": 7}, "app_id", "must be text"),
    ],
)
def test_invalid_webhook_is_refused_in_words(server: Server, body: object, field: str, reason: str) -> None:
    answer = server("POST", "/webhooks", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    [fault] = answer.json()["errors"]
    assert fault["field"] == field
    assert reason in fault["reason"]
    assert server("GET", "/webhooks").json()["items"] == []


@pytest.mark.parametrize("overlap", [-1, 1.5, "7", True, 31 * 24 * 3600])
def test_invalid_overlap_is_refused(server: Server, receiver: Receiver, overlap: object) -> None:
    path = f"/webhooks/{server.subscribe(receiver.url)['id']}/rotate"
    answer = server("POST", path, {"overlap_seconds": overlap})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "overlap_seconds")


def test_webhooks_are_limited_per_workspace(
    server: Server, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hullo.webhooks.admin.MAX_WEBHOOKS", 2)
    first = server.subscribe(receiver.url)
    server.subscribe(receiver.url)
    answer = server("POST", "/webhooks", {"url": receiver.url})
    assert (answer.status_code, "delete one first" in answer.json()["detail"]) == (422, True)
    server("DELETE", f"/webhooks/{first['id']}")
    server.subscribe(receiver.url)
    assert MAX_WEBHOOKS >= 20


def test_bound_key_manages_only_its_webhooks(shop: Shop, server: Server, receiver: Receiver) -> None:
    other = shop.hullo.create_app("Other")
    bound = Server(shop, app_key=shop.app_key)
    own = bound.subscribe(receiver.url)
    assert own["app_id"] == shop.app_key
    of_all, of_other = server.subscribe(receiver.url), server.subscribe(receiver.url, app_id=other.app_id)
    assert [each["id"] for each in bound("GET", "/webhooks").json()["items"]] == [own["id"]]
    assert len(server("GET", "/webhooks").json()["items"]) == 3
    for foreign in (of_all, of_other):
        for method, rest in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/rotate"),
            ("POST", "/test"),
            ("GET", "/deliveries"),
        ):
            assert bound(method, f"/webhooks/{foreign['id']}{rest}").status_code == 404
    answer = bound("POST", "/webhooks", {"url": receiver.url, "app_id": other.app_id})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert server("POST", "/webhooks", {"url": receiver.url, "app_id": "app_1"}).json()["code"] == "unknown_app"


def test_other_workspaces_key_sees_none(shop: Shop, server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url)
    elsewhere = shop.hullo.create_app("Elsewhere", workspace="elsewhere")
    stranger = Server(shop, app_key=elsewhere.app_key)
    assert stranger("GET", "/webhooks").json()["items"] == []
    assert stranger("DELETE", f"/webhooks/{made['id']}").status_code == 404
    assert stranger("POST", "/webhooks", {"url": receiver.url, "app_id": shop.app_key}).json()["code"] == "unknown_app"


def test_read_and_write_are_separate_scopes(shop: Shop, server: Server, receiver: Receiver) -> None:
    reader, writer = Server(shop, Scope.READ), Server(shop, Scope.WRITE)
    made = writer.subscribe(receiver.url)
    assert reader("GET", f"/webhooks/{made['id']}").status_code == 200
    for method, path in (
        ("POST", "/webhooks"),
        ("POST", f"/webhooks/{made['id']}/test"),
        ("DELETE", f"/webhooks/{made['id']}"),
    ):
        assert reader(method, path, {"url": receiver.url}).json()["code"] == "forbidden"
    assert writer("GET", "/webhooks").json()["code"] == "forbidden"
    assert shop.get("/webhooks").json()["code"] == "key_required"


def test_webhook_actions_are_in_audit_log(shop: Shop, server: Server, receiver: Receiver) -> None:
    made = server.subscribe(receiver.url, events=["contact.created"])
    path = f"/webhooks/{made['id']}"
    server("PATCH", path, {"events": []})
    server("POST", f"{path}/rotate")
    server("DELETE", path)
    entries = shop.hullo.store.list_audit(made["workspace_id"], PageRequest(limit=200)).items
    about = [(entry.action, dict(entry.data)) for entry in reversed(entries) if entry.subject == made["id"]]
    assert about == [
        ("webhook.created", {"app_id": None, "events": ["contact.created"]}),
        ("webhook.changed", {"fields": ["events"]}),
        ("webhook.rotated", {"overlap_seconds": 86400}),
        ("webhook.deleted", {}),
    ]
    assert {entry.by.partition(":")[0] for entry in entries if entry.subject == made["id"]} == {"api-key"}
    assert receiver.url not in repr(entries)


def test_offered_events_match_existing_ones(shop: Shop) -> None:
    document = shop.http.get("/hullo/openapi.json").json()
    offered = document["components"]["schemas"]["WebhookBody"]["properties"]["events"]["items"]["enum"]
    assert offered == list(EVENT_NAMES)
