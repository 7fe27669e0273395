"""Errors as callers are told of them."""

from __future__ import annotations

import logging
from itertools import product

import pytest
from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware, hookimpl
from hullo.errors import StoreUnavailable, TooContended
from hullo.model.app import Scope, VerificationMode


def test_each_code_has_its_status_and_shape(shop):
    said = {"app_key": shop.app_key}
    strict_app = shop.hullo.create_app("Strict", verification=VerificationMode.REQUIRED).app_key
    key = shop.api_key()
    shop.post("/contacts", {"external_id": "user_1", "email": "jane@example.com"}, key)
    other = shop.post("/contacts", {"external_id": "user_2"}, key).json()["id"]
    answers = {
        "bad_json": (400, shop.post("/identify", [])),
        "no_identifier": (400, shop.post("/identify", said)),
        "unknown_app": (404, shop.post("/join", {})),
        "bad_origin": (403, shop.post("/join", said, origin="https://evil.example.com")),
        "proof_rejected": (401, shop.identify(email="x@y.z", user_hash="0")),
        "proof_required": (401, shop.post("/identify", {"app_key": strict_app, "email": "x@y.z"})),
        "session_revoked": (401, shop.get("/me", "hvs_x")),
        "session_required": (401, shop.get("/me")),
        "key_required": (401, shop.get("/contacts")),
        "forbidden": (403, shop.get("/contacts", shop.api_key(Scope.WRITE))),
        "not_found": (404, shop.get("/contacts/con_x", key)),
        "method_not_allowed": (405, shop.get("/identify")),
        "conflict": (
            409,
            shop.http.patch(
                f"/hullo/v1/contacts/{other}",
                json={"email": "jane@example.com"},
                headers={"authorization": f"Bearer {key}"},
            ),
        ),
        "too_large": (413, shop.http.post("/hullo/v1/join", content=b" " * 40_000)),
        "invalid": (422, shop.identify(email="x@y.z", phone="none", strict=True)),
    }
    for code, (status, answer) in answers.items():
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert list(problem)[:5] == ["type", "title", "status", "detail", "code"]
        assert set(problem) <= {"type", "title", "status", "detail", "code", "errors", "other_id"}
        assert (problem["type"], problem["status"]) == ("about:blank", status)
        assert answer.headers["x-request-id"].startswith("req_")


def test_unknown_path_is_a_problem(shop):
    paths = ["", "/", "/v1", "/v1/", "/v2/join", "/v1/join/", "/v1/contacts/a/b/c", "/%00", "//v1/join"]
    failed = []
    for method, path in product(["GET", "POST", "DELETE", "OPTIONS", "BREW"], paths):
        answer = shop.http.request(method, f"/hullo{path}")
        if answer.status_code not in {404, 405} or answer.json()["code"] not in {"not_found", "method_not_allowed"}:
            failed.append((method, path, answer.status_code, answer.text))
    assert not failed


def test_wrong_method_lists_the_allowed_ones(shop):
    assert shop.http.put("/hullo/v1/conversations").headers["allow"] == "GET, POST"
    assert shop.http.post("/hullo/v1/contacts/con_1").headers["allow"] == "GET, PATCH, DELETE"


def test_head_works_where_get_does(shop):
    answer = shop.http.head("/hullo/healthz")
    assert answer.status_code == 200


class _Broken:
    """A store that fails at whatever it is asked."""

    max_concurrent_batches = 1

    def __init__(self, error, inner):
        self.error = error
        self.inner = inner
        self.broken = False

    def __getattr__(self, name):
        if self.broken and name not in {"open", "close"}:
            raise self.error
        return getattr(self.inner, name)


@pytest.fixture
def broken(backend):
    """A hullo whose store can be broken, and a client."""
    store = _Broken(StoreUnavailable("the database cannot be reached"), Hullo("memory:").store)
    hullo = Hullo(store)
    app_key = hullo.create_app("Shop").app_key
    return store, app_key, TestClient(IdentityMiddleware(None, hullo), backend=backend)


@pytest.mark.parametrize("error", [StoreUnavailable("the database cannot be reached"), TooContended()])
def test_unreachable_store_says_when_to_retry(broken, error):
    store, app_key, client = broken
    store.error, store.broken = error, True
    said = {"app_key": app_key, "email": "jane@example.com"}
    for answer in (
        client.post("/hullo/v1/join", json={"app_key": app_key}),
        client.post("/hullo/v1/identify", json=said),
        client.post("/hullo/v1/join", json={"app_key": app_key}, headers={"origin": "http://localhost"}),
        client.get("/hullo/readyz"),
        client.get("/hullo/v1/contacts", headers={"authorization": "Bearer hsk_x"}),
        client.options(
            "/hullo/v1/join", headers={"origin": "http://localhost", "access-control-request-method": "POST"}
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    assert client.get("/hullo/healthz").status_code == 200


def test_page_may_read_that_store_is_unreachable(broken):
    store, app_key, client = broken
    said, page = {"app_key": app_key, "email": "jane@example.com"}, {"origin": "http://localhost"}
    assert client.post("/hullo/v1/identify", json=said, headers=page).status_code == 200
    store.broken = True
    answer = client.post("/hullo/v1/identify", json=said, headers=page)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (503, "http://localhost")


@pytest.mark.rule("P4")
def test_unexpected_error_leaks_no_personal_data(backend, caplog):
    class Curious:
        name = "curious"

        @hookimpl
        def name_identifiers(self, claim):
            raise ValueError(f"cannot read {claim.email}")

    hullo = Hullo("memory:", plugins=[Curious()])
    app_key = hullo.create_app("Shop").app_key
    client = TestClient(IdentityMiddleware(None, hullo), backend=backend)
    with caplog.at_level(logging.INFO):
        answer = client.post("/hullo/v1/identify", json={"app_key": app_key, "email": "jane@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "jane" not in answer.text
    assert "jane" not in caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "ValueError" in caplog.text


@pytest.mark.rule("P4")
def test_wrong_plugin_answer_is_hidden_from_caller(backend):
    class Wrong:
        name = "wrong"

        @hookimpl
        def name_identifiers(self, claim):
            return ["a text"]

    hullo = Hullo("memory:", plugins=[Wrong()])
    app_key = hullo.create_app("Shop").app_key
    client = TestClient(IdentityMiddleware(None, hullo), backend=backend)
    answer = client.post("/hullo/v1/identify", json={"app_key": app_key, "email": "jane@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "name_identifiers" not in answer.text
