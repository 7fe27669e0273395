"""Conversations over HTTP, for visitors and for an agent's server."""

from __future__ import annotations

import json

import pytest

from hullo.model.app import Scope


def test_visitor_starts_a_conversation(shop):
    token = shop.join()
    begun = shop.post("/conversations", {"text": "hello", "client_id": "1"}, token).json()
    assert list(begun) == ["id", "created_at", "status", "last_message_at", "unread", "messages"]
    assert list(begun["messages"][0]) == ["id", "author", "text", "created_at", "client_id"]
    assert (begun["status"], begun["unread"], begun["messages"][0]["author"]) == ("open", False, "visitor")
    listed = shop.get("/conversations", token).json()
    assert listed["next"] is None
    assert listed["items"] == [{name: value for name, value in begun.items() if name != "messages"}]
    joined = shop.post("/join", {"app_key": shop.app_key}, token).json()
    assert joined["conversations"] == listed["items"]


def test_visitor_continues_a_conversation(shop):
    token = shop.join()
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    path = f"/conversations/{conversation}/messages"
    said = shop.post(path, {"text": "are you there?"}, token).json()
    assert list(said) == ["id", "author", "text", "created_at"]
    assert [each["text"] for each in shop.get(path, token).json()["items"]] == ["are you there?", "hello"]


def test_repeat_by_client_id_is_harmless(shop):
    token = shop.join()
    first = shop.post("/conversations", {"text": "hello", "client_id": "1"}, token)
    again = shop.post("/conversations", {"text": "hello", "client_id": "1"}, token)
    assert first.json() == again.json()
    path = f"/conversations/{first.json()['id']}/messages"
    said = [shop.post(path, {"text": "more", "client_id": "2"}, token).json()["id"] for _ in range(2)]
    assert said[0] == said[1]
    assert [each["text"] for each in shop.get(path, token).json()["items"]] == ["more", "hello"]


@pytest.mark.rule("H1")
def test_foreign_conversation_looks_missing(shop):
    theirs = shop.post("/conversations", {"text": "secret"}, shop.join()).json()["id"]
    other_app = shop.hullo.create_app("Other").app_key
    outsider = shop.post("/join", {"app_key": other_app}).json()["session_token"]
    for token in (shop.join(), outsider):
        answers = [
            (answer.status_code, answer.text)
            for conversation in (theirs, "cnv_unknown", "x" * 500, "%00", "a.b")
            for answer in (
                shop.get(f"/conversations/{conversation}/messages", token),
                shop.post(f"/conversations/{conversation}/messages", {"text": "hi"}, token),
                shop.post(f"/conversations/{conversation}/read", {}, token),
            )
            if conversation in {theirs, "cnv_unknown"} or answer.status_code != 404
        ]
        assert {status for status, _ in answers} == {404}
        assert len(set(answers)) == 1


@pytest.mark.rule("H1", "L1", "L3")
def test_proven_visitor_sees_only_proven_conversations(shop):
    claimed, proven, elsewhere = shop.join(), shop.join(), shop.join()
    shop.identify(proven, **shop.signed("user_1"))
    by_proof = shop.post("/conversations", {"text": "by proof"}, proven).json()["id"]
    shop.identify(claimed, external_id="user_1")
    by_claim = shop.post("/conversations", {"text": "by claim"}, claimed).json()["id"]
    shop.identify(elsewhere, **shop.signed("user_1"))

    def seen(token):
        return {each["id"] for each in shop.get("/conversations", token).json()["items"]}

    assert seen(elsewhere) == {by_proof}
    assert seen(claimed) == {by_claim}
    assert shop.get(f"/conversations/{by_proof}/messages", claimed).status_code == 404
    assert shop.get(f"/conversations/{by_proof}/messages", elsewhere).status_code == 200


def test_agent_answers_with_an_api_key(shop):
    token, key = shop.join(), shop.api_key()
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    path = f"/conversations/{conversation}/messages"
    reply = shop.post(path, {"text": "good morning", "client_id": "a"}, key).json()
    assert reply["author"] == "agent"
    assert shop.post(path, {"text": "good morning", "client_id": "a"}, key).json() == reply
    assert [each["author"] for each in shop.get(path, token).json()["items"]] == ["agent", "visitor"]
    assert [each["author"] for each in shop.get(path, key).json()["items"]] == ["agent", "visitor"]
    listed = shop.get("/conversations", key).json()["items"]
    assert [each["id"] for each in listed] == [conversation]
    assert listed[0]["contact_id"] is None
    assert (listed[0]["unread"], listed[0]["assignee"]) == (True, None)


def test_visitor_sees_and_clears_unread(shop):
    token, key = shop.join(), shop.api_key()
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]

    def unread():
        listed = shop.get("/conversations", token).json()["items"]
        joined = shop.post("/join", {"app_key": shop.app_key}, token).json()["conversations"]
        assert listed == joined
        return [each["unread"] for each in listed]

    for sent in (
        {"json": {"app_key": shop.app_key}, "headers": {"authorization": f"Bearer {token}"}},
        {"headers": {"authorization": f"Bearer {token}"}},
        {"content": json.dumps({"session_token": token}), "headers": {"content-type": "text/plain"}},
    ):
        shop.post(f"/conversations/{conversation}/messages", {"text": "good morning"}, key)
        assert unread() == [True]
        answer = shop.http.post(f"/hullo/v1/conversations/{conversation}/read", **sent)
        assert answer.status_code == 200
        assert [answer.json()] == shop.get("/conversations", token).json()["items"]
        assert unread() == [False]


def test_only_visitors_mark_as_read(shop):
    conversation = shop.post("/conversations", {"text": "hello"}, shop.join()).json()["id"]
    for token in (shop.api_key(), None):
        assert shop.post(f"/conversations/{conversation}/read", {}, token).json()["code"] == "session_required"
    assert shop.post(f"/conversations/{conversation}/read", {}, "hvs_0").json()["code"] == "session_revoked"
    assert shop.http.post(f"/hullo/v1/conversations/{conversation}/read", content="{").json()["code"] == "bad_json"


def test_bound_key_sees_no_other_apps_conversations(shop):
    other = shop.hullo.create_app("Other").app_key
    key = shop.api_key(app_key=other)
    conversation = shop.post("/conversations", {"text": "hello"}, shop.join()).json()["id"]
    assert shop.get("/conversations", key).json()["items"] == []
    assert shop.get(f"/conversations/{conversation}/messages", key).status_code == 404
    assert shop.post(f"/conversations/{conversation}/messages", {"text": "hi"}, key).status_code == 404


def test_scopes_apply_to_conversations(shop):
    reader, writer = shop.api_key(Scope.READ), shop.api_key(Scope.WRITE)
    conversation = shop.post("/conversations", {"text": "hello"}, shop.join()).json()["id"]
    path = f"/conversations/{conversation}/messages"
    assert shop.post(path, {"text": "hi"}, reader).json()["code"] == "forbidden"
    assert shop.get(path, writer).json()["code"] == "forbidden"
    assert shop.get("/conversations", "hsk_unknown").json()["code"] == "key_required"


@pytest.mark.parametrize("text", ["", "   ", "x" * 8001, "bell\x07", None, 7, ["hello"]])
def test_invalid_text_is_refused(shop, text):
    answer = shop.post("/conversations", {"text": text}, shop.join())
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == "text"


def test_conversation_lists_come_in_pages(shop):
    token = shop.join()
    begun = [shop.post("/conversations", {"text": str(number)}, token).json()["id"] for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = shop.http.get(
            "/hullo/v1/conversations",
            params={"limit": 2, "cursor": cursor},
            headers={"authorization": f"Bearer {token}"},
        ).json()
        assert len(page["items"]) <= 2
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
    assert seen == begun[::-1]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.5", "٣", "9" * 5000])
def test_invalid_limit_is_refused(shop, limit):
    for path, token in (("conversations", shop.join()), ("contacts", shop.api_key())):
        answer = shop.http.get(
            f"/hullo/v1/{path}", params={"limit": limit}, headers={"authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")
