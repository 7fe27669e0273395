"""A contact's timeline and decisions, over HTTP."""

from __future__ import annotations

import json

import pytest

from hullo.model.app import Scope


def upsert(shop, key, **fields):
    return shop.post("/contacts", fields, key).json()["id"]


def timeline(shop, key, contact_id, query=""):
    answer = shop.get(f"/contacts/{contact_id}/timeline{query}", key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def types(shop, key, contact_id):
    return [entry["type"] for entry in timeline(shop, key, contact_id)["items"]]


def test_timeline_lists_events_newest_first(shop):
    key, token = shop.api_key(), shop.join()
    shop.post("/conversations", {"text": "hello"}, token)
    contact_id = shop.identify(token, **shop.signed("user_1", name="Jane")).json()["contact_id"]
    shop.identify(token, **shop.signed("user_1", name="Jane Doe"))
    begun = shop.post("/conversations", {"text": "again"}, token).json()
    items = timeline(shop, key, contact_id)["items"]
    assert [entry["type"] for entry in items] == [
        "conversation.created",
        "contact.updated",
        "conversation.linked",
        "contact.identified",
        "contact.created",
    ]
    assert {entry["contact_id"] for entry in items} == {contact_id}
    assert {entry["app_id"] for entry in items} == {shop.app_key}
    assert items[0]["data"]["conversation_id"] == begun["id"]
    assert items[1]["changes"] == [{"field": "name", "before": "Jane", "after": "Jane Doe"}]
    assert items[1]["data"] == {"fields": ["name"]}
    assert items[1]["by"].startswith("identity-key:")
    assert sorted(items, key=lambda entry: entry["id"], reverse=True) == items


def test_patch_event_shows_values_before_and_after(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1", name="Jane", custom_data={"plan": "free"})
    patch = {"name": None, "company": "Acme", "custom_data": {"plan": "pro"}}
    shop.http.patch(f"/hullo/v1/contacts/{contact_id}", json=patch, headers={"authorization": f"Bearer {key}"})
    [updated, _] = timeline(shop, key, contact_id)["items"]
    assert updated["changes"] == [
        {"field": "name", "before": "Jane", "after": None},
        {"field": "company", "before": None, "after": "Acme"},
        {"field": "custom_data.plan", "before": "free", "after": "pro"},
    ]
    assert updated["by"].startswith("api-key:")


def test_site_event_is_placed_by_own_time(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    bodies = [
        {"name": "Order placed", "properties": {"total": 12.5, "items": [{"sku": "a"}, None]}},
        {"name": "Born", "occurred_at": "1990-05-01T00:00:00Z"},
    ]
    answers = [shop.post(f"/contacts/{contact_id}/events", body, key) for body in bodies]
    assert [answer.status_code for answer in answers] == [200, 200]
    told = [answer.json() for answer in answers]
    assert list(told[0]) == ["id", "at", "type", "contact_id", "app_id", "by", "data", "changes"]
    assert told[0]["data"] == {"name": "Order placed", "properties": {"total": 12.5, "items": [{"sku": "a"}, None]}}
    assert told[1]["at"] == "1990-05-01T00:00:00.000Z"
    items = timeline(shop, key, contact_id)["items"]
    assert [entry["type"] for entry in items] == ["contact.event", "contact.created", "contact.event"]
    assert [items[0], items[2]] == told


def test_timeline_comes_in_pages(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    for number in range(5):
        shop.post(f"/contacts/{contact_id}/events", {"name": f"Step {number}"}, key)
    seen, cursor = [], ""
    while cursor is not None:
        page = timeline(shop, key, contact_id, f"?limit=2&cursor={cursor}")
        seen += [entry["data"].get("name") for entry in page["items"]]
        cursor = page["next"]
    assert seen == ["Step 4", "Step 3", "Step 2", "Step 1", "Step 0", None]


def test_site_event_stays_out_of_outbox(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    before = shop.hullo.store.list_outbox(1000)
    shop.post(f"/contacts/{contact_id}/events", {"name": "Order placed"}, key)
    assert {event.id for event in shop.hullo.store.list_outbox(1000)} <= {event.id for event in before}


def test_invalid_event_is_not_written(shop):
    key = shop.api_key()
    contact_id = upsert(shop, key, external_id="user_1")
    answer = shop.post(f"/contacts/{contact_id}/events", {"occurred_at": "soon"}, key)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["name", "occurred_at"]
    assert types(shop, key, contact_id) == ["contact.created"]


def test_bound_key_sees_events_of_its_app(shop):
    other = shop.hullo.create_app("Second shop").app_key
    ours, theirs, whole = shop.api_key(app_key=shop.app_key), shop.api_key(app_key=other), shop.api_key()
    contact_id = upsert(shop, ours, external_id="user_1", custom_data={"plan": "pro"})
    shop.post(f"/contacts/{contact_id}/events", {"name": "Ordered"}, ours)
    shop.post(f"/contacts/{contact_id}/events", {"name": "Read"}, theirs)
    shop.post(f"/contacts/{contact_id}/events", {"name": "Called"}, whole)

    def seen(key):
        return [(entry["data"].get("name"), entry["app_id"]) for entry in timeline(shop, key, contact_id)["items"]]

    assert seen(ours) == [("Called", None), ("Ordered", shop.app_key), (None, shop.app_key)]
    assert seen(theirs) == [("Called", None), ("Read", other)]
    assert len(seen(whole)) == 4


@pytest.mark.rule("W3")
def test_merge_event_hides_other_apps_custom_data(shop):
    other, whole = shop.hullo.create_app("Second shop").app_key, shop.api_key()
    kept = upsert(shop, whole, external_id="user_1")
    gone = upsert(shop, whole, external_id="user_2", name="Jane", custom_data={shop.app_key: {"plan": "pro"}})
    upsert(shop, whole, external_id="user_2", custom_data={other: {"shelf": 7}})
    assert shop.post(f"/contacts/{kept}/merge", {"absorb": gone}, whole).status_code == 200

    def told(key):
        merged = next(each for each in timeline(shop, key, kept)["items"] if each["type"] == "contact.merged")
        assert merged["changes"] == []  # nobody is told the values of another person
        return set(merged["data"]["fields"]) & {
            "name",
            f"custom_data.{shop.app_key}.plan",
            f"custom_data.{other}.shelf",
        }

    bound = shop.api_key(app_key=other)
    assert told(whole) == {"name", f"custom_data.{shop.app_key}.plan", f"custom_data.{other}.shelf"}
    assert told(bound) == {"name", f"custom_data.{other}.shelf"}
    decisions = shop.get(f"/contacts/{kept}/decisions", bound)
    assert "plan" not in decisions.text
    came = f"Name, custom_data.{other}.shelf and also.external_id came with {gone} (G1)."
    assert came in decisions.json()["items"][0]["words"]


@pytest.mark.parametrize("path", ["timeline", "decisions", "notes", "merges", "tags", "sessions"])
def test_history_of_unknown_contact_not_found(shop, path):
    elsewhere = shop.hullo.create_app("Other", workspace="Other").app_key
    theirs = upsert(shop, shop.api_key(app_key=elsewhere), external_id="user_1")
    own = shop.api_key(app_key=shop.app_key)
    for contact_id, asking in (("con_unknown", own), (theirs, own), ("con_1;", own)):
        answer = shop.get(f"/contacts/{contact_id}/{path}", asking)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert shop.get(f"/contacts/{theirs}/{path}", shop.api_key(Scope.WRITE, app_key=elsewhere)).status_code == 403


def test_decision_is_worded_without_values(shop):
    key = shop.api_key()
    contact_id = shop.identify(**shop.signed("user_1", name="Jane Doe")).json()["contact_id"]
    shop.identify(external_id="user_1", company="Acme", name="Mallory")
    items = shop.get(f"/contacts/{contact_id}/decisions", key).json()["items"]
    claimed, proven = (each["words"] for each in items)
    assert " a page of app Shop made this contact with a signed hash (proven). " in proven
    assert "It filled external_id and name" in proven
    assert " a page of app Shop identified them by external id without proof (claimed). " in claimed
    assert "It filled company." in claimed
    assert "It kept name, as a proven value is replaced by proven ones only (W2)." in claimed
    assert not {"Jane", "Mallory", "Acme"} & set(json.dumps([proven, claimed]).replace(".", " ").split())
