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
