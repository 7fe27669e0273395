"""What an old tab is told that says the name of somebody who was erased: what any stranger is told (P2, H2)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from asgi.conftest import Shop

Masked = Callable[[str], str]


TOKEN = re.compile(r"eyJ[\w-]+\.([\w-]+)\.[\w-]+")


def _unsealed(token: re.Match[str]) -> str:
    """What anybody can read in it, but for what is random or a time."""
    read = json.loads(base64.urlsafe_b64decode(token[1] + "=="))
    return str(sorted(read)) + read["std"]


def _story(shop: Shop, masked: Masked, email: str) -> list[tuple[Any, ...]]:
    """Everything that a browser can ask, before and after it says this email."""
    there = shop.hullo.create_app("Help centre").app_key
    told: list[tuple[Any, ...]] = []

    def ask(method: str, path: str, token: str | None, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if isinstance(body, dict):
            body = {"app_key": shop.app_key, **body}
        answer = shop.http.request(method, f"/hullo/v1{path}", json=body, headers=headers)
        fields = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
        hidden = masked(TOKEN.sub(_unsealed, answer.text)).replace(email, "EMAIL")
        told.append((method, path if "cnv_" not in path else "/conversations/…", answer.status_code, hidden, fields))
        return answer.json()

    token = ask("POST", "/join", None, {})["session_token"]
    ask("POST", "/conversations", token, {"text": "Hello again"})
    ask("POST", "/identify", token, {"email": email, "name": "Jane", "custom_data": {"plan": "pro"}, "phone": "none"})
    ask("POST", "/identify", token, {"email": email, "name": "Jane", "custom_data": {"plan": "pro"}, "phone": "none"})
    ask("GET", "/me", token)
    ask("POST", "/join", token, {})
    begun = ask("POST", "/conversations", token, {"text": "Anybody?"})["id"]
    ask("GET", "/conversations", token)
    ask("GET", f"/conversations/{begun}/messages", token)
    ask("POST", "/identify", token, {"email": email, "external_id": f"id of {email}"})
    ask("POST", "/identify", token, {"external_id": f"id of {email}"})
    ask("POST", "/identify", token, {"external_id": f"id of {email}", "strict": True, "nickname": "J"})
    hop = ask("POST", "/identity-token", token, {"audience": there})["token"]
    ask("POST", "/identify", None, {"app_key": there, "identity_token": hop})
    ask("POST", "/identify", None, {"app_key": there, "identity_token": hop})
    other = ask("POST", "/identify", token, {"email": f"other.{email}"})["session_token"]
    ask("GET", "/me", token)
    ask("GET", "/me", other)
    back = ask("POST", "/identify", other, {"email": email})["session_token"]
    ask("GET", "/conversations", back)
    ask("POST", "/reset", back, {})
    ask("POST", "/identify", None, {"email": email})
    ask("GET", "/me", back)
    return told


@pytest.mark.rule("P2", "H2")
def test_erased_visitor_looks_like_a_stranger(shop: Shop, masked: Masked) -> None:
    key = shop.api_key()
    for body in ({"email": "jane@example.com"}, {"external_id": "id of jane@example.com"}):
        contact_id = shop.post("/contacts", body, key).json()["id"]
        headers = {"authorization": f"Bearer {key}"}
        assert shop.http.delete(f"/hullo/v1/contacts/{contact_id}", headers=headers).status_code == 200
    stranger = _story(shop, masked, "joey@example.com")
    erased = _story(shop, masked, "jane@example.com")
    for asked, (as_ever, now) in enumerate(zip(stranger, erased, strict=True)):
        assert now == as_ever, asked
    names = {each["email"] for each in shop.get("/contacts?limit=200", key).json()["items"]}
    assert names == {"joey@example.com", "other.joey@example.com", "other.jane@example.com"}


@pytest.mark.rule("P2", "H4")
def test_claimants_tab_goes_on_without_restoring_contact(shop: Shop) -> None:
    key = shop.api_key()
    token = shop.identify(email="jane@example.com").json()["session_token"]
    [contact] = shop.get("/contacts", key).json()["items"]
    shop.http.delete(f"/hullo/v1/contacts/{contact['id']}", headers={"authorization": f"Bearer {key}"})
    _goes_on_without_contact(shop, key, token)


@pytest.mark.rule("P2", "S2")
def test_proven_tab_restarts_without_restoring_contact(shop: Shop) -> None:
    key = shop.api_key()
    proven = shop.identify(**shop.signed("jane"), email="jane@example.com").json()
    old, path = proven["session_token"], f"/hullo/v1/contacts/{proven['contact_id']}"
    shop.http.delete(path, headers={"authorization": f"Bearer {key}"})
    assert shop.identify(old, email="jane@example.com").json()["code"] == "session_revoked"
    new = shop.post("/join", {"app_key": shop.app_key}, old).json()["session_token"]
    assert new != old
    _goes_on_without_contact(shop, key, new)


def _goes_on_without_contact(shop: Shop, key: str, token: str) -> None:
    """The session may claim the erased email again, which restores nothing."""
    answer = shop.identify(token, email="jane@example.com", name="Jane").json()
    assert (answer["standing"], answer.get("session_token", token)) == ("claimed", token)
    joined = shop.post("/join", {"app_key": shop.app_key}, token).json()
    assert (joined["session_token"], joined["email_prompt"]) == (token, False)
    assert shop.get("/contacts", key).json()["items"] == []


@pytest.mark.rule("P2")
def test_host_sees_claimed_visitor_without_contact(shop: Shop) -> None:
    key = shop.api_key()
    contact_id = shop.post("/contacts", {"email": "jane@example.com"}, key).json()["id"]
    shop.http.delete(f"/hullo/v1/contacts/{contact_id}", headers={"authorization": f"Bearer {key}"})
    token = shop.identify(email="jane@example.com").json()["session_token"]
    visitor, contact, standing = shop.http.get("/", headers={"authorization": f"Bearer {token}"}).json()
    assert (visitor[:4], contact, standing) == ("vis_", None, "claimed")


@pytest.mark.rule("P2", "V8")
def test_dry_run_explains_why_nothing_is_kept(shop: Shop) -> None:
    key = shop.api_key()
    contact_id = shop.post("/contacts", {"email": "jane@example.com"}, key).json()["id"]
    shop.http.delete(f"/hullo/v1/contacts/{contact_id}", headers={"authorization": f"Bearer {key}"})
    told = shop.post(f"/apps/{shop.app_key}/check", {"email": "jane@example.com"}, key).json()["decision"]
    assert (told["matched_by"], told["contact_id"], told["created"], told["written"]) == ("erased", None, False, [])
    assert any("was erased" in each["answer"] for each in told["steps"])
