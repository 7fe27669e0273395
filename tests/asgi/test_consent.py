"""Consent over HTTP: what a page is told, and that nothing is kept before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asgi.conftest import PAGE, Shop
from hullo import Hullo
from hullo.settings import SessionCookie, Settings

Serve = Callable[..., Shop]

NOBODY = {
    "visitor_id": None,
    "session_token": None,
    "expires_at": None,
    "identified": False,
    "standing": None,
    "email_prompt": False,
    "conversations": [],
}
SETTINGS = {"message_length": 8000, "consent": "required", "name": "Shop", "domains": [PAGE]}


@pytest.fixture
def asking(shop: Shop) -> Shop:
    shop.hullo.register.change_app(shop.app_key, {"consent": "required"})
    return shop


def _call(shop: Shop, path: str, token: str | None = None, **body: Any) -> Any:
    return shop.post(path, {"app_key": shop.app_key, **body}, token)


@pytest.mark.parametrize("path", ["/join", "/reset"])
def test_visitor_before_consent_is_unknown(asking: Shop, path: str) -> None:
    answer = _call(asking, path)
    assert answer.status_code == 200
    assert answer.json() == {**NOBODY, "settings": SETTINGS}
    assert _call(asking, path, "hvs_of_long_ago").json()["visitor_id"] is None


def test_identify_without_consent_says_consent_required(asking: Shop) -> None:
    for body in ({"email": "jane@example.com"}, asking.signed("jane")):
        answer = _call(asking, "/identify", **body)
        assert (answer.status_code, answer.json()["code"]) == (403, "consent_required")
    assert asking.get("/contacts", asking.api_key()).json()["items"] == []


@pytest.mark.parametrize("path", ["/join", "/reset"])
def test_consenting_visitor_joins_as_usual(asking: Shop, path: str) -> None:
    told = _call(asking, path, consent=True).json()
    assert told["settings"]["consent"] == "required"
    assert told["visitor_id"].startswith("vis_")
    again = _call(asking, "/join", told["session_token"]).json()
    assert again["visitor_id"] == told["visitor_id"]
    assert _call(asking, "/identify", told["session_token"], email="jane@example.com").status_code == 200
    assert _call(asking, "/reset", told["session_token"]).json()["visitor_id"].startswith("vis_")


def test_app_without_consent_setting_says_so(shop: Shop) -> None:
    assert _call(shop, "/join").json()["settings"]["consent"] == "none"


def test_consent_answer_starts_and_ends_session(asking: Shop) -> None:
    granted = _call(asking, "/consent", granted=True).json()
    token = granted["session_token"]
    assert asking.get("/me", token).status_code == 200
    assert _call(asking, "/consent", token, granted=True).json()["visitor_id"] == granted["visitor_id"]
    for _ in range(2):
        withdrawn = _call(asking, "/consent", token, granted=False)
        assert withdrawn.json() == {**NOBODY, "settings": granted["settings"]}
    assert asking.get("/me", token).json()["code"] == "session_revoked"
    assert _call(asking, "/join", token).json()["visitor_id"] is None


@pytest.mark.parametrize("granted", [None, "true", 1, {}, []])
def test_consent_answer_must_be_yes_or_no(asking: Shop, granted: Any) -> None:
    answer = _call(asking, "/consent", granted=granted)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "granted")


def test_consent_from_other_sites_is_refused(asking: Shop) -> None:
    body = {"app_key": asking.app_key, "granted": False}
    assert asking.post("/consent", body, origin="https://evil.test").json()["code"] == "bad_origin"
    assert asking.post("/consent", body, origin=PAGE).headers["access-control-allow-origin"] == PAGE
    assert asking.post("/consent", {"app_key": "app_unknown", "granted": False}).json()["code"] == "unknown_app"


def test_dry_run_reports_missing_consent(asking: Shop) -> None:
    path, key = f"/apps/{asking.app_key}/check", asking.api_key()
    told = asking.post(path, asking.signed("jane"), key).json()
    assert (told["refused"]["code"], told["signature"]) == ("consent_required", "signed")
    assert asking.post(path, {**asking.signed("jane"), "consent": True}, key).json()["accepted"]


def test_cookie_follows_the_consent(serve: Serve, backend: str) -> None:
    shop = serve(Hullo("memory:", settings=Settings(cookie=SessionCookie(on=True))), backend)
    shop.hullo.register.change_app(shop.app_key, {"consent": "required", "origins": "http://testserver"})
    kept = shop.post("/consent", {"app_key": shop.app_key, "granted": True}, origin="http://testserver")
    assert "hullo_session=hvs_" in kept.headers["set-cookie"]
    cookie = kept.headers["set-cookie"].partition(";")[0]
    body = {"app_key": shop.app_key, "granted": False}
    gone = shop.post("/consent", body, origin="http://testserver", cookie=cookie)
    assert "hullo_session=;" in gone.headers["set-cookie"]
    assert "Max-Age=0" in gone.headers["set-cookie"]
    nobody = shop.post("/join", {"app_key": shop.app_key}, origin="http://testserver")
    assert "set-cookie" not in nobody.headers


def test_arrival_without_consent_is_not_redeemed(asking: Shop) -> None:
    token = asking.hullo.mint_token(asking.app_key, external_id="jane")
    answer = asking.http.get(f"/?hullo_identity={token}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers
    assert asking.get("/contacts", asking.api_key()).json()["items"] == []
    told = _call(asking, "/identify", identity_token=token, consent=True).json()
    assert told["standing"] == "proven"
