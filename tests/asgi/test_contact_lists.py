"""Several emails, phones and names of other kinds, over HTTP."""

from __future__ import annotations

import pytest

from hullo import Hullo
from rules_plugins import ByCard


def upsert(shop, key, **fields):
    return shop.post("/contacts", fields, key).json()


def patch(shop, key, contact_id, **fields):
    headers = {"authorization": f"Bearer {key}"}
    return shop.http.patch(f"/hullo/v1/contacts/{contact_id}", json=fields, headers=headers)


def found(shop, key, email):
    return [each["id"] for each in shop.get(f"/contacts?email={email}", key).json()["items"]]


def told(shop, key, contact_id):
    """Fields and changes of the newest entry of the timeline."""
    entry = shop.get(f"/contacts/{contact_id}/timeline?limit=1", key).json()["items"][0]
    return entry["data"].get("fields"), [tuple(each.values()) for each in entry["changes"]]


def test_contact_takes_several_emails_and_phones(shop):
    key = shop.api_key()
    made = upsert(
        shop, key, external_id="user_1", emails=["a@x.test", "B@x.test", " b@x.test "], phones=["+4930901820", "12"]
    )
    assert (made["email"], made["emails"]) == ("a@x.test", ["a@x.test", "B@x.test"])
    assert (made["phone"], made["phones"]) == ("+4930901820", ["+4930901820", "12"])
    assert (made["created"], made["rejected"], made["kept"]) == (True, [], [])
    assert made["written"] == ["external_id", "email", "emails", "phone", "phones"]
    assert made["identifiers"] == {"external_id": ["user_1"]}
    assert found(shop, key, "A@X.test") == found(shop, key, "b@x.test") == [made["id"]]
    assert upsert(shop, key, email="b@x.test")["id"] == made["id"]
    provenance = shop.get(f"/contacts/{made['id']}?provenance=1", key).json()["provenance"]
    assert {"email", "emails.1", "phone", "phones.1", "external_id"} == set(provenance)


@pytest.mark.rule("M2")
def test_first_of_list_matches_the_contact(shop):
    key = shop.api_key()
    jane = upsert(shop, key, email="jane@x.test", name="Jane")
    again = upsert(shop, key, emails=["Jane@x.test", "j@x.test"])
    assert (again["id"], again["matched_by"], again["emails"]) == (jane["id"], "email", ["jane@x.test", "j@x.test"])


@pytest.mark.rule("W9")
def test_repeated_list_changes_nothing(shop):
    key = shop.api_key()
    fields = {"external_id": "user_1", "emails": ["a@x.test", "b@x.test", "c@x.test"], "phones": ["1", "2"]}
    first = upsert(shop, key, **fields)
    again = upsert(shop, key, **fields)
    assert (again["written"], again["updated_at"]) == ([], first["updated_at"])
    spelled_otherwise = patch(shop, key, first["id"], emails=["A@x.test", "c@x.test", "b@x.test"]).json()
    assert spelled_otherwise["emails"] == first["emails"]
    assert len(shop.get(f"/contacts/{first['id']}/decisions", key).json()["items"]) == 2


def test_patch_list_replaces_the_whole_list(shop):
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1", emails=["a@x.test", "b@x.test"], phones=["1", "2"])
    left = patch(shop, key, made["id"], emails=["b@x.test", "c@x.test"], phones=["3", "1"]).json()
    assert (left["emails"], left["phones"]) == (["b@x.test", "c@x.test"], ["3", "1"])
    fields, changes = told(shop, key, made["id"])
    assert fields == ["email", "emails", "phone", "phones"]
    assert changes == [
        ("email", "a@x.test", "b@x.test"),
        ("emails", None, "c@x.test"),
        ("phone", "1", "3"),
        ("phones", "2", None),
    ]
    assert found(shop, key, "a@x.test") == []
    for nothing in ([], None):
        assert patch(shop, key, made["id"], emails=nothing, phones=nothing).json()["emails"] == []
        assert shop.get(f"/contacts/{made['id']}", key).json()["phones"] == []
    assert upsert(shop, key, email="b@x.test")["created"]


@pytest.mark.rule("W7")
def test_further_email_swaps_with_the_first(shop):
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1", emails=["a@x.test", "b@x.test", "c@x.test"])
    swapped = patch(shop, key, made["id"], email="B@x.test").json()
    assert (swapped["email"], swapped["emails"]) == ("B@x.test", ["B@x.test", "a@x.test", "c@x.test"])
    assert found(shop, key, "a@x.test") == [made["id"]]
    cleared = patch(shop, key, made["id"], email=None).json()
    assert (cleared["email"], cleared["emails"]) == (None, [])


def test_further_phone_swaps_with_the_first(shop):
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1", phones=["1", "2", "3"])
    assert patch(shop, key, made["id"], phone="3").json()["phones"] == ["3", "1", "2"]
    assert patch(shop, key, made["id"], phone="4").json()["phones"] == ["4", "1", "2"]
    cleared = patch(shop, key, made["id"], phone=None).json()
    assert (cleared["phone"], cleared["phones"]) == (None, [])


def test_patch_cannot_take_another_contacts_email(shop):
    key = shop.api_key()
    upsert(shop, key, external_id="user_1", emails=["a@x.test", "b@x.test"])
    other = upsert(shop, key, external_id="user_2", email="c@x.test")
    for fields in ({"email": "b@x.test"}, {"emails": ["c@x.test", "b@x.test"]}):
        answer = patch(shop, key, other["id"], name="Joe", **fields)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert shop.get(f"/contacts/{other['id']}", key).json()["name"] is None


def test_patch_with_wrong_list_writes_nothing(shop):
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1")
    answer = patch(shop, key, made["id"], name="Jane", emails=["a@x.test", "no email"])
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "emails", "reason": "not an email address"}]
    both = patch(shop, key, made["id"], email="a@x.test", emails=["a@x.test"])
    assert (both.status_code, both.json()["errors"][0]["field"]) == (422, "email")
    assert shop.post("/contacts", {"emails": ["a@x.test"], "email": None}, key).status_code == 422
    assert shop.get(f"/contacts/{made['id']}", key).json()["name"] is None


@pytest.mark.rule("C7", "W8")
def test_upsert_leaves_other_contacts_values(shop):
    key = shop.api_key()
    jane = upsert(shop, key, external_id="jane", emails=["jane@x.test", "j@x.test"])
    joe = upsert(shop, key, external_id="joe", emails=["joe@x.test", "j@x.test", "no email"], phones=["1"])
    assert (joe["emails"], joe["phones"]) == (["joe@x.test"], ["1"])
    assert joe["kept"] == [{"field": "emails", "reason": "another contact has one of these, and keeps it"}]
    assert joe["rejected"] == [{"field": "emails", "reason": "not an email address"}]
    first = upsert(shop, key, external_id="joe", emails=["jane@x.test", "new@x.test"])
    assert first["emails"] == ["joe@x.test"]
    assert [each["rule"] for each in first["conflicts"]] == ["C2"]
    assert shop.get(f"/contacts/{jane['id']}", key).json()["emails"] == ["jane@x.test", "j@x.test"]


@pytest.mark.rule("W8")
def test_strict_upsert_with_wrong_list_writes_nothing(shop):
    key = shop.api_key()
    answer = shop.post("/contacts", {"external_id": "user_1", "emails": ["x"], "strict": True}, key)
    assert answer.status_code == 422
    assert shop.get("/contacts", key).json()["items"] == []


@pytest.mark.rule("W2", "W7")
def test_list_proves_what_a_visitor_claimed(shop):
    key = shop.api_key()
    shop.identify(email="a@x.test", phone="1")
    made = upsert(shop, key, emails=["a@x.test"], phones=["1"])
    provenance = shop.get(f"/contacts/{made['id']}?provenance=1", key).json()["provenance"]
    assert {name: each["standing"] for name, each in provenance.items()} == {"email": "proven", "phone": "proven"}


def test_identifiers_of_any_kind_are_shown(serve, backend):
    shop = serve(Hullo("memory:", plugins=[ByCard()]), backend)
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1", custom_data={"card": 4711})
    assert made["identifiers"] == {"card": ["4711"], "external_id": ["user_1"]}
    assert upsert(shop, key, custom_data={"card": "4711"})["id"] == made["id"]
    other = upsert(shop, key, external_id="user_2", custom_data={"card": "0815"})
    merged = shop.post(f"/contacts/{made['id']}/merge", {"absorb": other["id"]}, key).json()["contact"]
    assert merged["identifiers"] == {"card": ["4711", "0815"], "external_id": ["user_1", "user_2"]}
    provenance = shop.get(f"/contacts/{made['id']}?provenance=1", key).json()["provenance"]
    assert {"card", "identifiers.card.1", "external_id", "identifiers.external_id.1"} < set(provenance)
    assert upsert(shop, key, custom_data={"card": "0815"})["id"] == made["id"]


def test_one_email_without_email_matching(serve, backend):
    shop = serve(Hullo("memory:", without=["email"]), backend)
    key = shop.api_key()
    made = upsert(shop, key, external_id="user_1", email="a@x.test")
    assert (made["email"], made["emails"]) == ("a@x.test", ["a@x.test"])
    answer = patch(shop, key, made["id"], emails=["a@x.test", "b@x.test"])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "emails")
