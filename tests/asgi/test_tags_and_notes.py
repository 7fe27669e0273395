"""Tags and notes of contacts and conversations, over HTTP."""

from __future__ import annotations

import pytest

from hullo.model.app import Scope


def upsert(shop, key, **fields):
    return shop.post("/contacts", fields, key).json()["id"]


def delete(shop, path, key):
    return shop.http.delete(f"/hullo/v1{path}", headers={"authorization": f"Bearer {key}"})


def subject(shop, kind):
    """The path of a contact or of a conversation, and of one in another workspace."""
    other = shop.hullo.create_app("Elsewhere", workspace="Elsewhere").app_key
    if kind == "contacts":
        ours = upsert(shop, shop.api_key(app_key=shop.app_key), external_id="user_1")
        return f"/contacts/{ours}", other
    return f"/conversations/{conversation(shop)}", other


def conversation(shop, app_key=None):
    app_key = app_key or shop.app_key
    token = shop.post("/join", {"app_key": app_key}).json()["session_token"]
    return shop.post("/conversations", {"text": "hello", "app_key": app_key}, token).json()["id"]


@pytest.mark.parametrize("kind", ["contacts", "conversations"])
def test_tags_are_added_and_removed(shop, kind):
    path, _ = subject(shop, kind)
    key = shop.api_key(app_key=shop.app_key)
    assert shop.get(f"{path}/tags", key).json() == {"tags": []}
    assert shop.post(f"{path}/tags", {"tags": [" vip ", "EU/west"]}, key).json() == {"tags": ["EU/west", "vip"]}
    assert shop.post(f"{path}/tags", {"tags": ["VIP", "vip"]}, key).json() == {"tags": ["EU/west", "VIP", "vip"]}
    assert delete(shop, f"{path}/tags/EU/west", key).json() == {"tags": ["VIP", "vip"]}
    assert delete(shop, f"{path}/tags/vip", key).json() == {"tags": ["VIP"]}
    assert delete(shop, f"{path}/tags/vip", key).json() == {"tags": ["VIP"]}
    assert shop.get(f"{path}/tags", key).json() == {"tags": ["VIP"]}


@pytest.mark.rule("W10")
@pytest.mark.parametrize("kind", ["contacts", "conversations"])
def test_tags_are_limited_to_a_hundred(shop, kind):
    path, _ = subject(shop, kind)
    key = shop.api_key(app_key=shop.app_key)
    tags = [f"tag {number:03}" for number in range(100)]
    assert shop.post(f"{path}/tags", {"tags": tags}, key).json() == {"tags": tags}
    assert shop.post(f"{path}/tags", {"tags": tags}, key).status_code == 200
    answer = shop.post(f"{path}/tags", {"tags": ["one more"]}, key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "tags")
    assert delete(shop, f"{path}/tags/{'x' * 65}", key).status_code == 422


def test_tag_may_be_any_addressable_text(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    tags = ["100 %", "a?b#c", "ü", "👩‍💻", "../x", "a&b=c"]
    assert shop.post(f"/contacts/{contact_id}/tags", {"tags": tags}, key).status_code == 200
    for tag in tags:
        quoted = "".join(f"%{byte:02X}" for byte in tag.encode())
        assert tag not in delete(shop, f"/contacts/{contact_id}/tags/{quoted}", key).json()["tags"]
    assert shop.get(f"/contacts/{contact_id}/tags", key).json() == {"tags": []}


def test_contacts_are_found_by_tag_with_provenance(shop):
    key = shop.api_key()
    first, second = (upsert(shop, key, external_id=each) for each in ("user_1", "user_2"))
    shop.post(f"/contacts/{first}/tags", {"tags": ["vip"]}, key)
    shop.post(f"/contacts/{second}/tags", {"tags": ["VIP"]}, key)
    found = shop.get("/contacts?tag=vip", key).json()["items"]
    assert [(each["id"], each["tags"]) for each in found] == [(first, ["vip"])]
    provenance = shop.get(f"/contacts/{first}?provenance=1", key).json()["provenance"]
    assert provenance["tags.vip"]["by"].startswith("api-key:")
    assert shop.get("/contacts?tag=nobody", key).json()["items"] == []


@pytest.mark.rule("W9")
def test_repeated_tag_is_no_change(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    shop.post(f"/contacts/{contact_id}/tags", {"tags": ["vip"]}, key)
    before = shop.get(f"/contacts/{contact_id}", key).json()
    shop.post(f"/contacts/{contact_id}/tags", {"tags": ["vip"]}, key)
    delete(shop, f"/contacts/{contact_id}/tags/never", key)
    assert shop.get(f"/contacts/{contact_id}", key).json() == before
    items = shop.get(f"/contacts/{contact_id}/timeline", key).json()["items"]
    assert [(each["type"], each["data"].get("fields")) for each in items[:1]] == [("contact.updated", ["tags"])]
    assert items[0]["changes"] == [{"field": "tags.vip", "before": None, "after": True}]
    assert len(items) == 2


def test_conversation_tags_are_for_servers_only(shop):
    key, token = shop.api_key(), shop.join()
    begun = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    shop.post(f"/conversations/{begun}/tags", {"tags": ["b", "a"]}, key)
    assert shop.get("/conversations", key).json()["items"][0]["tags"] == ["a", "b"]
    assert "tags" not in shop.get("/conversations", token).json()["items"][0]
    assert "tags" not in shop.post("/join", {}, token).json()["conversations"][0]


@pytest.mark.parametrize("kind", ["contacts", "conversations"])
def test_notes_are_written_read_and_removed(shop, kind):
    path, _ = subject(shop, kind)
    key = shop.api_key(app_key=shop.app_key)
    first = shop.post(f"{path}/notes", {"text": "Call back\ntomorrow"}, key).json()
    second = shop.post(f"{path}/notes", {"text": "Called"}, key).json()
    assert list(first) == ["id", "about", "text", "at", "by"]
    assert (first["about"], first["text"]) == (path.rpartition("/")[2], "Call back\ntomorrow")
    assert shop.get(f"{path}/notes", key).json() == {"items": [second, first], "next": None}
    page = shop.get(f"{path}/notes?limit=1", key).json()
    assert shop.get(f"{path}/notes?cursor={page['next']}", key).json()["items"] == [first]
    assert delete(shop, f"/notes/{first['id']}", key).json() == {"id": first["id"], "removed": True}
    assert delete(shop, f"/notes/{first['id']}", key).json()["code"] == "not_found"
    assert shop.get(f"{path}/notes", key).json()["items"] == [second]


@pytest.mark.rule("H1", "H2")
def test_visitor_never_sees_notes(shop):
    key, token = shop.api_key(), shop.join()
    begun = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    contact_id = shop.identify(token, **shop.signed("user_1")).json()["contact_id"]
    paths = [f"/contacts/{contact_id}/notes", f"/conversations/{begun}/notes", f"/conversations/{begun}/tags"]
    for path in paths[:2]:
        shop.post(path, {"text": "a difficult one"}, key)
    for path in paths:
        assert shop.get(path, token).json()["code"] == "key_required"
        assert shop.post(path, {"text": "mine", "tags": ["mine"]}, token).json()["code"] == "key_required"
    shown = [
        shop.get("/me", token),
        shop.post("/join", {}, token),
        shop.get("/conversations", token),
        shop.get(f"/conversations/{begun}/messages", token),
        shop.identify(token, **shop.signed("user_1", name="Jane")),
    ]
    assert not [answer for answer in shown if "difficult" in answer.text]


@pytest.mark.parametrize("kind", ["contacts", "conversations"])
def test_other_workspaces_key_finds_neither(shop, kind):
    path, elsewhere = subject(shop, kind)
    ours, theirs = shop.api_key(app_key=shop.app_key), shop.api_key(app_key=elsewhere)
    note = shop.post(f"{path}/notes", {"text": "ours"}, ours).json()["id"]
    answers = [
        shop.get(f"{path}/tags", theirs),
        shop.post(f"{path}/tags", {"tags": ["x"]}, theirs),
        delete(shop, f"{path}/tags/x", theirs),
        shop.get(f"{path}/notes", theirs),
        shop.post(f"{path}/notes", {"text": "x"}, theirs),
        delete(shop, f"/notes/{note}", theirs),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}
    assert len(shop.get(f"{path}/notes", ours).json()["items"]) == 1


def test_bound_key_finds_own_conversations_all_contacts(shop):
    other = shop.hullo.create_app("Second shop").app_key
    theirs, whole = shop.api_key(app_key=other), shop.api_key()
    begun, contact_id = conversation(shop), upsert(shop, whole, external_id="user_1")
    note = shop.post(f"/conversations/{begun}/notes", {"text": "x"}, whole).json()["id"]
    answers = [
        shop.get(f"/conversations/{begun}/notes", theirs),
        shop.post(f"/conversations/{begun}/notes", {"text": "x"}, theirs),
        shop.get(f"/conversations/{begun}/tags", theirs),
        shop.post(f"/conversations/{begun}/tags", {"tags": ["x"]}, theirs),
        delete(shop, f"/conversations/{begun}/tags/x", theirs),
        delete(shop, f"/notes/{note}", theirs),
    ]
    assert {answer.status_code for answer in answers} == {404}
    noted = shop.post(f"/contacts/{contact_id}/notes", {"text": "x"}, theirs)
    assert noted.status_code == 200
    assert shop.post(f"/contacts/{contact_id}/tags", {"tags": ["x"]}, theirs).status_code == 200
    assert delete(shop, f"/notes/{noted.json()['id']}", theirs).status_code == 200


@pytest.mark.parametrize("kind", ["contacts", "conversations"])
def test_read_and_write_are_separate_scopes(shop, kind):
    path, _ = subject(shop, kind)
    app = shop.app_key
    read, write = shop.api_key(Scope.READ, app_key=app), shop.api_key(Scope.WRITE, app_key=app)
    for name, body in (("tags", {"tags": ["x"]}), ("notes", {"text": "x"})):
        assert shop.get(f"{path}/{name}", write).status_code == 403
        assert shop.post(f"{path}/{name}", body, read).status_code == 403
        assert shop.get(f"{path}/{name}", read).status_code == 200
        assert shop.post(f"{path}/{name}", body, write).status_code == 200
    assert delete(shop, "/notes/note_1", read).status_code == 403
