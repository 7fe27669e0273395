"""Join, reset and me over HTTP."""

from __future__ import annotations

import pytest


def test_join_answers_all_a_widget_needs(shop):
    answer = shop.post("/join", {"app_key": shop.app_key})
    assert answer.status_code == 200
    assert list(answer.json()) == [
        "visitor_id",
        "session_token",
        "expires_at",
        "identified",
        "standing",
        "email_prompt",
        "conversations",
        "settings",
    ]
    assert answer.json()["standing"] is None
    assert answer.json()["email_prompt"] is True
    assert answer.json()["settings"] == {
        "message_length": 8000,
        "consent": "none",
        "name": "Shop",
        "domains": ["https://shop.example.com"],
    }


def test_required_proof_allows_no_email_prompt(shop):
    token = shop.join()
    for mode, prompts in (("required", False), ("report", True)):
        shop.hullo.register.change_app(shop.app_key, {"verification": mode})
        assert shop.post("/join", {}, token).json()["email_prompt"] is prompts
        assert shop.get("/me", token).json()["email_prompt"] is prompts


@pytest.mark.parametrize("origins", ["", "https://shop.example.com,https://*.example.com:8443,http://localhost"])
def test_join_shows_current_app_settings(shop, origins):
    token = shop.join()
    shop.hullo.register.change_app(shop.app_key, {"name": "Zażółć & Sons", "origins": origins})
    for answer in (shop.post("/join", {}, token), shop.post("/reset", {}, token)):
        settings = answer.json()["settings"]
        assert settings["name"] == "Zażółć & Sons"
        assert settings["domains"] == [each for each in origins.split(",") if each]


@pytest.mark.rule("S1")
def test_valid_token_continues_and_is_returned(shop):
    first = shop.post("/join", {"app_key": shop.app_key}).json()
    again = shop.post("/join", {"app_key": shop.app_key, "session_token": first["session_token"]}).json()
    assert again["visitor_id"] == first["visitor_id"]
    assert again["session_token"] == first["session_token"]


@pytest.mark.rule("S1")
def test_session_names_its_app(shop):
    token = shop.join()
    assert shop.post("/join", {}, token).json()["session_token"] == token
    assert shop.post("/reset", {"session_token": token}).status_code == 200


@pytest.mark.parametrize("token", ["hvs_unknown", "x" * 5000, 7, ["hvs_"], {"a": 1}, True])
def test_join_with_unknown_token_starts_session(shop, token):
    joined = shop.post("/join", {"app_key": shop.app_key, "session_token": token})
    assert joined.status_code == 200
    assert joined.json()["session_token"] != token


@pytest.mark.parametrize("token", [None, ""])
def test_blank_token_counts_as_none(shop, token):
    body = {"app_key": shop.app_key, "email": "jane@example.com", "session_token": token}
    assert shop.post("/identify", body).status_code == 200


def test_header_token_wins_over_body(shop):
    header, body = shop.join(), shop.join()
    answer = shop.post("/join", {"app_key": shop.app_key, "session_token": body}, header)
    assert answer.json()["session_token"] == header


def test_app_header_replaces_the_body(shop):
    answer = shop.http.post("/hullo/v1/join", headers={"x-hullo-app": shop.app_key})
    assert answer.status_code == 200
    assert shop.http.post("/hullo/v1/join").json()["code"] == "bad_json"


@pytest.mark.parametrize("path", ["/join", "/reset"])
@pytest.mark.parametrize("app_key", [None, "", "app_unknown", 5, ["app_"], "x" * 5000])
def test_call_without_known_app_is_refused(shop, path, app_key):
    answer = shop.post(path, {"app_key": app_key})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_app")


@pytest.mark.rule("S2")
def test_reset_revokes_old_token_everywhere(shop):
    old = shop.join()
    new = shop.post("/reset", {}, old).json()
    assert new["session_token"] != old
    refused = [
        shop.get("/me", old),
        shop.get("/conversations", old),
        shop.post("/conversations", {"text": "hello"}, old),
        shop.identify(old, email="jane@example.com"),
    ]
    assert [answer.json()["code"] for answer in refused] == ["session_revoked"] * 4
    assert {answer.status_code for answer in refused} == {401}
    assert shop.get("/me", new["session_token"]).status_code == 200


@pytest.mark.rule("S2")
def test_repeated_reset_is_harmless(shop):
    old = shop.join()
    body = {"app_key": shop.app_key}
    assert [shop.post("/reset", body, old).status_code for _ in range(3)] == [200] * 3


def test_me_describes_the_session(shop):
    token = shop.join()
    assert shop.get("/me", token).json()["identified"] is False
    shop.identify(token, email="jane@example.com")
    me = shop.get("/me", token).json()
    assert list(me) == ["visitor_id", "identified", "standing", "email_prompt"]
    assert (me["identified"], me["standing"], me["email_prompt"]) == (True, "claimed", False)


def test_me_needs_a_session(shop):
    assert shop.get("/me").json()["code"] == "session_required"
    assert shop.get("/me", "hvs_unknown").json()["code"] == "session_revoked"
    assert shop.get("/me", shop.api_key()).json()["code"] == "session_required"


def test_session_of_other_app_is_refused(shop):
    other = shop.hullo.create_app("Other").app_key
    token = shop.join()
    assert shop.get("/me", token, x_hullo_app=other).json()["code"] == "session_revoked"


@pytest.mark.rule("S3")
def test_join_says_when_session_ends(shop):
    assert shop.post("/join", {"app_key": shop.app_key}).json()["expires_at"].endswith("Z")
