"""`GET /v1/contacts/{id}/duplicates`."""

from __future__ import annotations

import pytest

from asgi.conftest import Shop
from asgi.test_contacts import CONTACT
from hullo.model.app import Scope

PHONE = "+4930901820"


def test_duplicates_are_listed_with_reasons(shop: Shop) -> None:
    key = shop.api_key()
    jane = shop.post("/contacts", {"external_id": "u1", "email": "jane.doe@acme.example", "phone": PHONE}, key).json()
    twice = shop.post("/contacts", {"email": "janedoe@acme.example", "phone": PHONE, "name": "Jane"}, key).json()
    shop.post("/contacts", {"email": "joan@acme.example"}, key)
    answer = shop.get(f"/contacts/{jane['id']}/duplicates", key)
    assert answer.status_code == 200
    (told,) = answer.json()["items"]
    alike = "emails that are one mailbox, but for dots or a tag"
    assert list(told["contact"]) == CONTACT
    assert told["contact"]["id"] == twice["id"]
    assert told["score"] == pytest.approx(0.98)
    assert told["reasons"] == [
        {"kind": "phone", "words": f"the same phone: {PHONE}", "weight": 0.8},
        {
            "kind": "email",
            "words": f"{alike}: jane.doe@acme.example and janedoe@acme.example",
            "weight": 0.9,
        },
    ]
    assert told["remark"] is None
    (back,) = shop.get(f"/contacts/{twice['id']}/duplicates", key).json()["items"]
    assert back == {**told, "contact": {name: jane[name] for name in CONTACT}}


@pytest.mark.rule("G3")
def test_absorbed_id_answers_for_its_survivor(shop: Shop) -> None:
    key = shop.api_key()
    first, second, third = (
        shop.post("/contacts", {"external_id": each, "phone": PHONE}, key).json()["id"] for each in ("u1", "u2", "u3")
    )
    shop.post(f"/contacts/{first}/merge", {"absorb": second}, key)
    (told,) = shop.get(f"/contacts/{second}/duplicates", key).json()["items"]
    assert told["contact"]["id"] == third
    assert "both proven" in told["remark"]


def test_bound_key_sees_no_other_apps_data(shop: Shop) -> None:
    both, own = shop.api_key(), shop.api_key(app_key=shop.app_key)
    other = shop.hullo.create_app("Help").app_id
    jane = shop.post("/contacts", {"external_id": "u1", "phone": PHONE}, both).json()["id"]
    custom = {shop.app_key: {"plan": "pro"}, other: {"secret": 1}}
    for app_id, data in custom.items():
        body = {"external_id": "u2", "phone": PHONE, "app_id": app_id, "custom_data": data}
        assert shop.post("/contacts", body, both).status_code == 200
    for key, seen in ((both, custom), (own, {shop.app_key: {"plan": "pro"}})):
        (told,) = shop.get(f"/contacts/{jane}/duplicates", key).json()["items"]
        assert told["contact"]["custom_data"] == seen


def test_duplicates_need_a_read_key(shop: Shop) -> None:
    assert shop.get("/contacts/con_1/duplicates").status_code == 401
    assert shop.get("/contacts/con_1/duplicates", shop.api_key(Scope.WRITE)).status_code == 403


def test_unknown_contact_is_not_found(shop: Shop) -> None:
    assert shop.get("/contacts/con_nobody/duplicates", shop.api_key()).status_code == 404
