"""Bodies that are too large, cut off, or no JSON, over HTTP."""

from __future__ import annotations

from itertools import product

import anyio
import pytest

from hullo import Hullo, IdentityMiddleware

LIMIT = 32 * 1024


def test_non_object_body_is_bad_request(shop):
    bodies = [b"[" * 20_000, b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1e999}', b"\xff", b"[]", b"null", b"{"]
    failed = []
    for path, raw in product(["/join", "/identify", "/reset", "/conversations"], bodies):
        answer = shop.http.post(f"/hullo/v1{path}", content=raw, headers={"x-hullo-app": shop.app_key})
        told = (answer.status_code, answer.headers.get("content-type"), answer.json()["code"])
        if told != (400, "application/problem+json", "bad_json"):
            failed.append((path, raw[:20], told))
    assert not failed


@pytest.mark.rule("W10")
def test_body_over_the_limit_is_refused(shop):
    prefix = b'{"app_key": "%s", "email": "jane@example.com"}' % shop.app_key.encode()
    fits = shop.http.post("/hullo/v1/identify", content=prefix.ljust(LIMIT))
    over = shop.http.post("/hullo/v1/identify", content=prefix.ljust(LIMIT + 1))
    assert fits.status_code == 200
    assert (over.status_code, over.json()["code"]) == (413, "too_large")


def _post(hullo, backend, headers, messages):
    """Speaks ASGI by hand; the status, or None for no answer, and how many messages were read."""
    sent, left = [], list(messages)

    async def receive():
        return left.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/hullo/v1/join",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": None,
    }

    async def call():
        await IdentityMiddleware(None, hullo)(scope, receive, send)

    anyio.run(call, backend=backend)
    return (sent[0]["status"] if sent else None), len(messages) - len(left)


def test_body_announced_too_large_is_not_read(backend):
    headers = [(b"content-length", str(LIMIT + 1).encode())]
    assert _post(Hullo("memory:"), backend, headers, []) == (413, 0)
    assert _post(Hullo("memory:"), backend, [(b"content-length", b"9" * 5000)], []) == (413, 0)


def test_chunked_body_is_cut_off_while_read(backend):
    chunk = {"type": "http.request", "body": b" " * 10_000, "more_body": True}
    assert _post(Hullo("memory:"), backend, [], [chunk] * 100) == (413, 4)


def test_false_content_length_is_caught(backend):
    chunk = {"type": "http.request", "body": b" " * 40_000, "more_body": True}
    assert _post(Hullo("memory:"), backend, [(b"content-length", b"10")], [chunk] * 2) == (413, 1)
    assert _post(Hullo("memory:"), backend, [(b"content-length", b"-1")], [chunk] * 2) == (413, 1)


def test_body_may_come_in_pieces(backend):
    hullo = Hullo("memory:")
    body = b'{"app_key": "%s"}' % hullo.create_app("Shop").app_key.encode()
    pieces = [{"type": "http.request", "body": body[i : i + 1], "more_body": True} for i in range(len(body))]
    assert _post(hullo, backend, [], [*pieces, {"type": "http.request"}])[0] == 200


def test_disconnected_client_gets_no_answer(backend):
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    assert _post(Hullo("memory:"), backend, [], messages) == (None, 2)


def test_byte_order_mark_is_ignored(shop):
    answer = shop.http.post("/hullo/v1/join", content=b'\xef\xbb\xbf{"app_key": "%s"}' % shop.app_key.encode())
    assert answer.status_code == 200


PAGE_BODIES = {
    "/join": {},
    "/reset": {},
    "/consent": {"granted": True},
    "/identity-token": {},
    "/conversations": {"text": "hello"},
    "/conversations/cnv_1/messages": {"text": "hello"},
    "/conversations/cnv_1/read": {},
}


def test_page_bodies_refuse_unknown_fields(shop):
    token = shop.join()
    for path, body in PAGE_BODIES.items():
        answer = shop.post(path, {"app_key": shop.app_key, **body, "mesage": 1}, token)
        assert answer.status_code == 422, path
        assert answer.json()["errors"] == [{"field": "mesage", "reason": "unknown field"}]
    assert shop.get("/conversations", token).json()["items"] == []


@pytest.mark.rule("W8")
def test_unknown_field_of_identify_is_rejected(shop):
    answer = shop.identify(email="jane@example.com", mesage=1).json()
    assert answer["rejected"] == [{"field": "mesage", "reason": "unknown field"}]
    strict = shop.identify(email="jane@example.com", mesage=1, strict=True)
    assert (strict.status_code, strict.json()["errors"][0]["field"]) == (422, "mesage")


def test_webhook_bodies_refuse_unknown_fields(shop):
    key = shop.api_key()
    for method, path, body in (
        ("POST", "/webhooks", {"url": "https://example.com/hook"}),
        ("PATCH", "/webhooks/whk_1", {}),
        ("POST", "/webhooks/whk_1/rotate", {}),
    ):
        answer = shop.http.request(
            method, f"/hullo/v1{path}", json={**body, "event": []}, headers={"authorization": f"Bearer {key}"}
        )
        assert answer.json()["errors"] == [{"field": "event", "reason": "unknown field"}], path
    assert shop.get("/webhooks", key).json()["items"] == []


@pytest.mark.parametrize("valid", [True, False])
def test_api_key_identifies_no_visitor(shop, valid):
    key = shop.api_key() if valid else "hsk_0"
    answer = shop.identify(key, email="jane@example.com")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "POST /v1/contacts" in answer.json()["detail"]
    assert shop.get("/contacts", shop.api_key()).json()["items"] == []
