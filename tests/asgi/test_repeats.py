"""Idempotency-Key."""

from __future__ import annotations

import pytest


def _identify(shop, key, token=None, **fields):
    return shop.post("/identify", {"app_key": shop.app_key, **fields}, token, idempotency_key=key)


def test_repeat_gets_first_answer_and_token(shop):
    first = _identify(shop, "k1", email="jane@example.com")
    again = _identify(shop, "k1", email="jane@example.com")
    assert again.content == first.content
    assert again.headers["x-request-id"] == first.headers["x-request-id"] == first.json()["request_id"]
    assert shop.get("/me", again.json()["session_token"]).json()["visitor_id"] == first.json()["visitor_id"]


def test_repeat_changes_nothing(shop):
    token = shop.join()
    _identify(shop, "k1", token, email="jane@example.com", name="Jane")
    shop.identify(token, email="jane@example.com", name="Joe")
    _identify(shop, "k1", token, email="jane@example.com", name="Jane")
    assert shop.get("/contacts", shop.api_key()).json()["items"][0]["name"] == "Joe"


def test_repeat_of_switch_gets_new_session_again(shop):
    token = shop.join()
    shop.identify(token, email="jane@example.com")
    first = _identify(shop, "k1", token, email="joe@example.com")
    again = _identify(shop, "k1", token, email="joe@example.com")
    assert first.json()["switched"] is True
    assert again.content == first.content


def test_repeat_of_proven_call_explains_again(shop):
    token, fields = shop.join(), shop.signed("user_1", name="Jane")
    first, again = (_identify(shop, "k1", token, **fields) for _ in range(2))
    assert again.content == first.content
    assert again.json()["written"] == ["external_id", "name"]


def test_same_key_with_other_body_conflicts(shop):
    _identify(shop, "k1", email="jane@example.com")
    answer = _identify(shop, "k1", email="joe@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_key_belongs_to_its_caller(shop):
    first = _identify(shop, "k1", shop.join(), email="jane@example.com").json()
    other = _identify(shop, "k1", shop.join(), email="jane@example.com").json()
    assert first["visitor_id"] != other["visitor_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "\t", "k\u00e9"])
def test_invalid_key_is_refused(shop, key):
    answer = shop.http.post(
        "/hullo/v1/identify",
        json={"app_key": shop.app_key, "email": "jane@example.com"},
        headers={"idempotency-key": key.encode("latin-1")},
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_longest_key_is_accepted(shop):
    assert _identify(shop, "x" * 255, email="jane@example.com").status_code == 200


@pytest.mark.rule("S2")
def test_repeat_after_reset_is_refused(shop):
    token, fields = shop.join(), shop.signed("user_1")
    _identify(shop, "k1", token, **fields)
    shop.post("/reset", {"app_key": shop.app_key}, token)
    again = _identify(shop, "k1", token, **fields)
    assert (again.status_code, again.json()["code"]) == (401, "session_revoked")
