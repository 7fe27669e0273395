"""The proof tool over HTTP: for servers with an API key, and for no browser (V7, V8)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from hullo.model.app import Scope

PAGE = "https://shop.example.com"


def check(shop, key, body, app_key=None):
    return shop.post(f"/apps/{app_key or shop.app_key}/check", body, key)


def decoded(shop, value):
    """A hash under the identity key, decoded from hexadecimal first."""
    key = bytes.fromhex(shop.made.identity_key.removeprefix("hik_"))
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


@pytest.mark.rule("V8")
def test_check_explains_an_identify_body(shop):
    body = {"app_key": shop.app_key, "external_id": "user_123", "user_hash": decoded(shop, "user_123")}
    answer = check(shop, shop.api_key(Scope.READ), body)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["accepted"], told["refused"]["code"], told["signature"]) == (False, "proof_rejected", "wrong")
    assert [(each["field"], each["code"]) for each in told["mistakes"]] == [("user_hash", "key_decoded_from_hex")]
    assert "Its text" not in shop.identify(external_id="user_123", user_hash=body["user_hash"]).text
    body["user_hash"] = shop.hullo.user_hash(shop.app_key, "user_123")
    told = check(shop, shop.api_key(Scope.READ), body).json()
    assert (told["accepted"], told["signature"], told["mistakes"]) == (True, "signed", [])
    assert told["decision"]["standing"] == "proven"


@pytest.mark.rule("V8")
def test_check_names_ten_common_mistakes(shop, monkeypatch):
    """Those that the tool was asked for, one after the other."""
    key, register = shop.api_key(Scope.READ), shop.hullo.register
    right = shop.hullo.user_hash(shop.app_key, "user_123")
    email = shop.hullo.user_hash(shop.app_key, "jane@example.com")
    other = shop.hullo.create_app("Other")
    token = shop.hullo.mint_token(shop.app_key, external_id="user_123")
    theirs = shop.hullo.mint_token(other.app_key, external_id="user_123")

    def codes(**body):
        return [each["code"] for each in check(shop, key, {"external_id": "user_123", **body}).json()["mistakes"]]

    in_base64 = base64.b64encode(bytes.fromhex(right)).decode()
    assert codes(user_hash=decoded(shop, "user_123")) == ["key_decoded_from_hex"]
    assert codes(user_hash=in_base64) == ["base64"]
    assert codes(user_hash=right.upper()) == ["upper_case"]
    assert codes(user_hash=email, email="jane@example.com") == ["email_signed"]
    assert codes(user_hash=email, email="Jane@Example.com", external_id=None) == ["email_folded"]
    assert codes(user_hash=right + "\n") == ["stray_characters"]
    assert codes(user_hash=shop.hullo.user_hash(shop.app_key, "user_123\n")) == ["value_with_whitespace"]
    assert codes(user_hash=shop.hullo.user_hash(other.app_key, "user_123")) == ["other_apps_key"]
    assert codes(token=theirs) == ["other_apps_key", "unknown_kid", "audience"]
    clock = shop.hullo.clock
    monkeypatch.setattr(shop.hullo, "clock", lambda: clock() - 120_000_000)
    assert codes(token=token) == ["not_yet_valid"]
    monkeypatch.undo()
    register.add_identity_key(shop.app_key)
    register.retire_identity_key(shop.app_key, shop.made.identity_key_id)
    assert codes(user_hash=right) == ["retired_key"]


@pytest.mark.rule("V8")
def test_check_takes_the_page_beside_body(shop):
    key = shop.api_key(Scope.READ)
    good = check(shop, key, {"external_id": "user_123", "origin": f"{PAGE}/basket"}).json()
    bad = check(shop, key, {"external_id": "user_123", "origin": "https://evil.example.com"}).json()
    assert (good["refused"], good["rejected"]) == (None, [])
    assert bad["refused"]["code"] == "bad_origin"
    assert check(shop, key, {"external_id": "user_123", "origin": 7}).json()["code"] == "invalid"


@pytest.mark.rule("V8")
def test_check_leaves_no_trace_and_no_count(shop):
    key = shop.api_key(Scope.READ, Scope.WRITE)
    for _ in range(3):
        check(shop, key, {"external_id": "user_123", "user_hash": "wrong"})
        check(shop, key, {"external_id": "user_123"})
    assert shop.get("/contacts", key).json()["items"] == []
    assert shop.hullo.call_counts(shop.app_key).total == 0


@pytest.mark.rule("V8")
def test_check_is_limited_to_apps_of_key(shop):
    body = {"external_id": "user_123"}
    sister, stranger = shop.hullo.create_app("Sister"), shop.hullo.create_app("Other", workspace="Elsewhere")
    key = shop.hullo.create_api_key(workspace=shop.made.workspace_id, scopes=[Scope.READ]).secret
    bound = shop.hullo.create_api_key(app_key=shop.app_key, scopes=[Scope.READ]).secret
    assert check(shop, key, body, sister.app_key).json()["app_key"] == sister.app_key
    assert check(shop, bound, body).status_code == 200
    assert check(shop, bound, body, sister.app_key).json()["code"] == "forbidden"
    for app_key in (stranger.app_key, "app_nobody"):
        answer = check(shop, key, body, app_key)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_app")
    write = shop.hullo.create_api_key(app_key=shop.app_key, scopes=[Scope.WRITE]).secret
    assert check(shop, write, body).json()["code"] == "forbidden"


@pytest.mark.rule("V7", "V8")
def test_check_refuses_browsers_without_a_key(shop):
    path, body = f"/apps/{shop.app_key}/check", {"app_key": shop.app_key, "external_id": "user_123"}
    session = shop.join()
    for token in (None, session, shop.app_key):
        answer = shop.post(path, {**body, "session_token": session}, token, origin=PAGE, x_hullo_app=shop.app_key)
        assert (answer.status_code, answer.json()["code"]) == (401, "key_required")
        assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"origin": PAGE, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    preflight = shop.http.options(f"/hullo/v1{path}", headers=asked)
    assert preflight.status_code == 405
    answer = shop.post(path, body, shop.api_key(Scope.READ), origin=PAGE)
    for each in (preflight, answer):
        assert not [name for name in each.headers if name.startswith("access-control")]


@pytest.mark.rule("V8")
def test_check_of_bad_body_is_ordinary_problem(shop):
    key = shop.api_key(Scope.READ)
    url, headers = f"/hullo/v1/apps/{shop.app_key}/check", {"authorization": f"Bearer {key}"}
    for body, status, code in ((b"{", 400, "bad_json"), (b"[]", 400, "bad_json"), (b" " * 40_000, 413, "too_large")):
        answer = shop.http.post(url, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
