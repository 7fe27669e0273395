"""Which pages may call, and which may read the answer."""

from __future__ import annotations

import pytest

from hullo import Hullo
from hullo.settings import Settings

PAGE = "https://shop.example.com"
ALLOWED = "access-control-allow-origin"


def _preflight(shop, path, origin, **headers):
    asked = {"origin": origin, "access-control-request-method": "POST", **headers}
    return shop.http.options(f"/hullo/v1{path}", headers=asked)


@pytest.mark.parametrize("path", ["/join", "/identify", "/reset", "/me", "/conversations", "/conversations/x/messages"])
def test_preflight_of_listed_page_is_answered(shop, path):
    answer = _preflight(shop, path, PAGE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[ALLOWED] == PAGE
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-max-age"] == "7200"
    for name in ("Authorization", "Content-Type", "X-Hullo-App", "Idempotency-Key"):
        assert name in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "", "http://shop.example.com", "x"])
def test_preflight_of_unlisted_page_is_refused(shop, origin):
    answer = _preflight(shop, "/join", origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_private_network_is_allowed_when_asked(shop):
    name = "access-control-allow-private-network"
    assert name not in _preflight(shop, "/join", PAGE).headers
    asked = {"access-control-request-private-network": "true"}
    assert _preflight(shop, "/join", PAGE, **asked).headers[name] == "true"


def test_preflight_without_origin_is_refused(shop):
    answer = shop.http.options("/hullo/v1/join", headers={"access-control-request-method": "POST"})
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")


def test_plain_options_is_no_preflight(shop):
    answer = shop.http.options("/hullo/v1/join", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/contacts", "/contacts/con_1", "/conflicts"])
def test_server_api_is_closed_to_pages(shop, path):
    assert _preflight(shop, path, PAGE).status_code == 405
    answer = shop.get(path, shop.api_key(), origin=PAGE)
    assert ALLOWED not in answer.headers


def test_server_conversations_are_closed_to_pages(shop):
    answer = shop.get("/conversations", shop.api_key(), origin=PAGE)
    assert answer.status_code == 200
    assert ALLOWED not in answer.headers


def test_listed_page_may_read_every_success(shop):
    token = shop.join()
    answers = [
        shop.post("/join", {"app_key": shop.app_key}, origin=PAGE),
        shop.post("/identify", {"email": "jane@example.com"}, token, origin=PAGE),
        shop.post("/conversations", {"text": "hello"}, token, origin=PAGE),
        shop.get("/conversations", token, origin=PAGE),
        shop.get("/me", token, origin=PAGE),
    ]
    assert [(answer.status_code, answer.headers[ALLOWED]) for answer in answers] == [(200, PAGE)] * 5
    assert {answer.headers["vary"] for answer in answers} == {"Origin"}


def test_listed_page_may_read_its_refusals(shop):
    said = {"app_key": shop.app_key}
    large = shop.http.post("/hullo/v1/join", content=b" " * 40_000, headers={"origin": PAGE})
    answers = [
        shop.post("/identify", {**said, "email": "x@y.z", "user_hash": "0"}, origin=PAGE),
        shop.post("/identify", {**said, "email": "x@y.z", "phone": "none", "strict": True}, origin=PAGE),
        shop.post("/identify", said, origin=PAGE),
        shop.post("/identify", [], origin=PAGE),
        shop.get("/me", "hvs_unknown", origin=PAGE),
        shop.get("/join", origin=PAGE),
        large,
    ]
    assert [answer.status_code for answer in answers] == [401, 422, 400, 400, 401, 405, 413]
    assert {answer.headers[ALLOWED] for answer in answers} == {PAGE}


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "https://shop.example.com.evil.com", ""])
def test_unlisted_page_is_refused_without_reason(shop, origin):
    token = shop.join()
    answers = [
        shop.post("/join", {"app_key": shop.app_key}, origin=origin),
        shop.post("/identify", {"email": "jane@example.com"}, token, origin=origin),
        shop.post("/reset", {}, token, origin=origin),
        shop.get("/me", token, origin=origin),
        shop.get("/conversations", token, origin=origin),
        shop.post("/conversations", {"text": "hello"}, token, origin=origin),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "bad_origin")}
    assert not [answer for answer in answers if ALLOWED in answer.headers]
    assert shop.get("/me", token).status_code == 200  # the reset of another page reset nothing


def test_unknown_app_answer_is_unreadable_to_pages(shop):
    answer = shop.post("/join", {"app_key": "app_unknown"}, origin=PAGE)
    assert answer.json()["code"] == "unknown_app"
    assert ALLOWED not in answer.headers


def test_app_without_list_takes_only_loopback(shop):
    said = {"app_key": shop.hullo.create_app("New").app_key}
    for origin in ("http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080", "https://shop.localhost"):
        assert shop.post("/join", said, origin=origin).headers[ALLOWED] == origin
        assert _preflight(shop, "/join", origin).status_code == 204
    assert shop.post("/join", said, origin=PAGE).json()["code"] == "bad_origin"


def test_error_naming_other_app_is_unreadable(shop):
    said = {"app_key": shop.hullo.create_app("New").app_key, "email": "null"}
    answer = shop.post("/identify", said, origin=PAGE)
    assert ALLOWED not in answer.headers


def test_caller_without_origin_needs_only_proof(shop):
    assert shop.post("/join", {"app_key": shop.app_key}).status_code == 200


def test_answers_are_not_cached_or_sniffed(shop):
    for answer in (shop.get("/me"), shop.post("/join", {"app_key": shop.app_key}), shop.get("/nothing")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


OWN = "https://chat.example.com"


def _join(shop, origin, base, **headers):
    sent = {"origin": origin, **headers}
    return shop.http.post(f"{base}/hullo/v1/join", json={"app_key": shop.app_key}, headers=sent).status_code


def test_own_origin_needs_no_list(shop):
    assert _join(shop, OWN, OWN) == 200
    assert _join(shop, f"{OWN}:443", OWN) == 200
    assert _join(shop, "http://chat.example.com", OWN) == 403
    assert _join(shop, f"{OWN}:8443", OWN) == 403
    assert _join(shop, OWN, "https://chat.example.com.evil.test") == 403
    # No proxy is listed: what the caller says of one is the caller's own word.
    assert _join(shop, OWN, "http://chat.example.com", **{"x-forwarded-proto": "https"}) == 403


def test_own_origin_is_what_the_proxy_says(backend, serve):
    shop = serve(Hullo("memory:", settings=Settings(trusted_proxies=("10.0.0.1",))), backend)
    shop.http._transport.client = ("10.0.0.1", 1)
    said = {"x-forwarded-proto": "https", "x-forwarded-host": "evil.test, chat.example.com"}
    assert _join(shop, OWN, "http://10.0.0.9:8000", **said) == 200
    assert _join(shop, "https://evil.test", "http://10.0.0.9:8000", **said) == 403


def test_preflight_allows_headers_it_asks_for(shop):
    asked = "authorization,baggage, sentry-trace,traceparent"
    allowed = _preflight(shop, "/identify", PAGE, **{"access-control-request-headers": asked})
    names = allowed.headers["access-control-allow-headers"].split(", ")
    assert names[-3:] == ["baggage", "sentry-trace", "traceparent"]
    assert [name.lower() for name in names].count("authorization") == 1
    for odd in ("x y", "a:b", "\x7f", ",".join(f"x-{number}" for number in range(100)), "x" * 5000):
        allowed = _preflight(shop, "/identify", PAGE, **{"access-control-request-headers": odd})
        assert allowed.headers["access-control-allow-headers"].count(",") == 3


@pytest.mark.parametrize(
    "origin", ["capacitor://localhost", "ionic://localhost", "chrome-extension://abcdefghijklmnop"]
)
def test_app_views_call_where_listed(shop, origin):
    said = {"app_key": shop.app_key}
    assert shop.post("/join", said, origin=origin).status_code == 403
    shop.hullo.register.change_app(shop.app_key, {"origins": origin})
    assert shop.post("/join", said, origin=origin).headers[ALLOWED] == origin
    assert _preflight(shop, "/join", origin).status_code == 204
