"""Conversations over HTTP for agents: lists with filters, one conversation, changes, and replies with names."""

from __future__ import annotations

import pytest

ADA = {"name": "Ada", "email": "ada@example.com"}


def listed(shop, key, **filters):
    """Every conversation that matches, read in pages of two."""
    found, cursor = [], ""
    while cursor is not None:
        params = {**filters, "limit": 2, "cursor": cursor}
        page = shop.http.get(
            "/hullo/v1/conversations", params=params, headers={"authorization": f"Bearer {key}"}
        ).json()
        found += [each["id"] for each in page["items"]]
        cursor = page["next"]
    return found


def fields(answer):
    """The fields that a refusal names."""
    assert answer.status_code == 422, answer.text
    return [each["field"] for each in answer.json()["errors"]]


def proven(shop, external_id="user_1"):
    """A browser that proves to be this contact: its token, and the contact's id."""
    token = shop.join()
    return token, shop.identify(token, **shop.signed(external_id)).json()["contact_id"]


def test_filters_narrow_the_list_of_conversations(shop):
    key, other = shop.api_key(), shop.hullo.create_app("Other").app_key
    token, contact_id = proven(shop)
    begun = [shop.post("/conversations", {"text": str(number)}, token).json()["id"] for number in range(5)]
    foreign = shop.post("/join", {"app_key": other}).json()["session_token"]
    elsewhere = shop.post("/conversations", {"text": "hi"}, foreign).json()["id"]
    for conversation in begun[:3]:
        shop.patch(f"/conversations/{conversation}", {"status": "closed"}, key)
    for conversation in begun[1:]:
        shop.patch(f"/conversations/{conversation}", {"assignee": "ada+desk@example.com"}, key)
    assert listed(shop, key) == [elsewhere, *begun[::-1]]
    assert listed(shop, key, app=other) == [elsewhere]
    assert listed(shop, key, contact_id=contact_id, app=shop.app_key) == begun[::-1]
    assert listed(shop, key, status="closed") == begun[2::-1]
    assert listed(shop, key, assignee="ada+desk@example.com", status="open") == begun[:2:-1]
    # As people type it: a plus is a plus.
    typed = shop.get("/conversations?assignee=ada+desk@example.com&status=closed", key).json()["items"]
    assert [each["id"] for each in typed] == begun[2:0:-1]
    absorbed = shop.post("/contacts", {"external_id": "user_2"}, key).json()["id"]
    shop.post(f"/contacts/{absorbed}/merge", {"absorb": contact_id}, key)
    assert listed(shop, key, contact_id=contact_id) == begun[::-1]


def test_unusable_filters_are_refused(shop):
    key, token = shop.api_key(), shop.join()
    assert fields(shop.get("/conversations?status=done", key)) == ["status"]
    assert fields(shop.get("/conversations?contact=con_1", key)) == ["contact"]
    assert fields(shop.get("/conversations?status=open&status=closed", key)) == ["status"]
    assert fields(shop.get("/conversations?status=open", token)) == ["status"]
    assert shop.get("/conversations?contact_id=con_1", key).json()["code"] == "not_found"
    assert shop.get("/conversations?app=app_1", key).json()["code"] == "unknown_app"


def test_conversation_shows_contact_visitor_and_message(shop):
    key, (token, contact_id) = shop.api_key(), proven(shop)
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    shop.post(f"/conversations/{conversation}/messages", {"text": "Good morning", "agent": ADA}, key)
    seen = shop.get(f"/conversations/{conversation}", key).json()
    assert (seen["contact"]["id"], seen["contact_id"], seen["standing"]) == (contact_id, contact_id, "proven")
    assert (seen["visitor"], seen["assignee"]) == ({"id": seen["visitor_id"], "blocked": None}, None)
    assert (seen["unread"], seen["last_message"]["text"], seen["last_message"]["agent_name"]) == (
        True,
        "Good morning",
        "Ada",
    )
    assert seen["last_message"]["by"].startswith("api-key:")
    own = shop.get(f"/conversations/{conversation}", token).json()
    assert own == {name: seen[name] for name in ("id", "created_at", "status", "last_message_at", "unread")}
    assert shop.get(f"/conversations/{conversation}", shop.join()).json()["code"] == "not_found"


@pytest.mark.rule("W9", "E")
def test_change_of_conversation_is_an_event(shop):
    key, (token, contact_id) = shop.api_key(), proven(shop)
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    path = f"/conversations/{conversation}"
    change = {"status": "closed", "assignee": "Ada", "tags": ["b", "a"]}
    for _ in range(2):  # the second time nothing changes
        seen = shop.patch(path, change, key).json()
        assert {name: seen[name] for name in change} == {**change, "tags": ["a", "b"]}
    assert shop.patch(path, {"assignee": None, "tags": ["a"]}, key).json()["tags"] == ["a"]
    shop.post(f"{path}/messages", {"text": "still there?"}, token)
    assert shop.get(path, token).json()["status"] == "open"
    told = [
        entry
        for entry in shop.get(f"/contacts/{contact_id}/timeline", key).json()["items"]
        if entry["type"] == "conversation.updated"
    ]
    assert [entry["data"]["fields"] for entry in told] == [
        ["status"],
        ["assignee", "tags"],
        ["status", "assignee", "tags"],
    ]
    assert {"field": "assignee", "before": "Ada", "after": None} in told[1]["changes"]
    # P4: who takes care of it is a person's name, and stays out of what webhooks get.
    assert "Ada" not in str([entry["data"] for entry in told])
    assert [entry["by"].partition(":")[0] for entry in told] == ["visitor", "api-key", "api-key"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "done"}, "status"),
        ({"assignee": ""}, "assignee"),
        ({"assignee": "x" * 256}, "assignee"),
        ({"assignee": "two\nlines"}, "assignee"),
        ({"tags": "vip"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"state": "closed"}, "state"),
    ],
)
def test_unusable_change_is_refused(shop, body, field):
    key = shop.api_key()
    conversation = shop.post("/conversations", {"text": "hello"}, shop.join()).json()["id"]
    before = shop.get(f"/conversations/{conversation}", key).json()
    assert fields(shop.patch(f"/conversations/{conversation}", body, key)) == [field]
    assert shop.get(f"/conversations/{conversation}", key).json() == before


def test_visitor_sees_who_replied(shop):
    key, token = shop.api_key(), shop.join()
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    path = f"/conversations/{conversation}/messages"
    for agent in (ADA, {"name": " Bo "}, None):
        shop.post(path, {"text": "Good morning", "agent": agent}, key)
    seen, full = shop.get(path, token).json()["items"], shop.get(path, key).json()["items"]
    assert [each.get("agent_name") for each in seen] == [None, "Bo", "Ada", None]
    assert [each.get("agent_email") for each in full] == [None, None, "ada@example.com", None]
    assert [each["by"].partition(":")[0] for each in full] == ["api-key", "api-key", "api-key", "visitor"]
    # An agent's email, and which key wrote, are for agents.
    assert not {"by", "agent_email"} & {name for each in seen for name in each}


@pytest.mark.parametrize(
    "agent", ["Ada", {}, {"name": ""}, {"name": "two\nlines"}, {"name": "Ada", "email": "no"}, {"name": "A", "id": 1}]
)
def test_unusable_agent_is_refused(shop, agent):
    conversation = shop.post("/conversations", {"text": "hello"}, shop.join()).json()["id"]
    answer = shop.post(f"/conversations/{conversation}/messages", {"text": "hi", "agent": agent}, shop.api_key())
    assert fields(answer)[0].partition(".")[0] == "agent"


@pytest.mark.rule("H1")
def test_agent_conversation_reaches_proven_browsers_only(shop):
    key, (token, contact_id), claimed = shop.api_key(), proven(shop), shop.join()
    shop.identify(claimed, external_id="user_1")
    body = {"contact_id": contact_id, "text": "Your parcel has arrived", "agent": ADA, "client_id": "1"}
    begun = shop.post("/conversations", body, key).json()
    assert (begun["contact_id"], begun["standing"], begun["unread"]) == (contact_id, "proven", True)
    assert shop.post("/conversations", body, key).json() == begun
    [seen] = shop.get("/conversations", token).json()["items"]
    assert (seen["id"], seen["unread"]) == (begun["id"], True)
    later, _ = proven(shop)
    joined = shop.post("/join", {"app_key": shop.app_key}, later).json()
    assert [each["id"] for each in joined["conversations"]] == [begun["id"]]
    answer = shop.post(f"/conversations/{begun['id']}/messages", {"text": "thanks"}, later)
    assert answer.json()["author"] == "visitor"
    # H2: a claim reads nothing, and its visitor is not the conversation's.
    assert shop.get("/conversations", claimed).json()["items"] == []
    assert shop.get(f"/conversations/{begun['id']}", claimed).json()["code"] == "not_found"
    timeline = shop.get(f"/contacts/{contact_id}/timeline", key).json()["items"]
    [created] = [entry for entry in timeline if entry["type"] == "conversation.created"]
    assert (created["data"]["author"], created["data"]["by"]) == ("agent", created["by"])


def test_conversation_needs_a_known_app_and_contact(shop):
    key, other = shop.api_key(), shop.hullo.create_app("Other").app_key
    contact_id = shop.post("/contacts", {"external_id": "user_1"}, key).json()["id"]

    def begin(key=key, **body):
        return shop.post("/conversations", {"contact_id": contact_id, "text": "hi", **body}, key)

    assert fields(begin()) == ["app"]
    assert begin(app=other).json()["app_id"] == other
    assert begin(app="app_1").json()["code"] == "unknown_app"
    assert begin(app=other, contact_id="con_1").json()["code"] == "not_found"
    assert fields(begin(app=other, contact_id=7)) == ["contact_id"]
    assert fields(begin(app=other, to="jane")) == ["to"]
    bound = shop.api_key(app_key=other)
    assert begin(bound).json()["app_id"] == other
    assert begin(bound, app=shop.app_key).json()["code"] == "forbidden"


@pytest.mark.rule("H1")
def test_bound_key_reaches_no_other_apps_conversations(shop):
    other = shop.hullo.create_app("Other").app_key
    bound, (token, contact_id) = shop.api_key(app_key=other), proven(shop)
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    for number in range(3):  # theirs, so that pages end between foreign ones
        shop.post("/conversations", {"contact_id": contact_id, "text": str(number)}, bound)
    assert len(listed(shop, bound)) == 3
    assert conversation not in listed(shop, bound, contact_id=contact_id)
    assert shop.get(f"/conversations?app={shop.app_key}", bound).json()["code"] == "forbidden"
    for answer in (
        shop.get(f"/conversations/{conversation}", bound),
        shop.patch(f"/conversations/{conversation}", {"status": "closed"}, bound),
    ):
        assert answer.json()["code"] == "not_found"
    mine = listed(shop, bound)[0]
    shown = shop.get(f"/conversations/{mine}", bound).json()["contact"]
    assert (shown["id"], set(shown["custom_data"]) <= {other}) == (contact_id, True)


@pytest.mark.rule("S4", "H1")
def test_socket_receives_conversations_and_their_status(shop):
    key, (token, contact_id) = shop.api_key(), proven(shop)
    with shop.http.websocket_connect("/hullo/v1/socket") as socket:
        socket.send_json({"type": "join", "app_key": shop.app_key, "session_token": token})
        assert socket.receive_json()["type"] == "joined"
        begun = shop.post("/conversations", {"contact_id": contact_id, "text": "hi", "agent": ADA}, key).json()
        frame = socket.receive_json()
        assert (frame["type"], frame["conversation_id"], frame["agent_name"]) == ("message", begun["id"], "Ada")
        shop.patch(f"/conversations/{begun['id']}", {"status": "closed", "assignee": "Ada"}, key)
        frame = socket.receive_json()
        assert (frame["type"], frame["conversation"]["status"]) == ("conversation", "closed")
        assert frame["conversation"] == shop.get(f"/conversations/{begun['id']}", token).json()
