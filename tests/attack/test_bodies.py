"""Bodies that are too large, too deep, not what they say, or meant for whoever reads them next."""

from __future__ import annotations

import gzip
import json
import socket
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from attack.site import V1, Site, Victim
from cli.serving import PATIENCE

LIMIT = 32 * 1024
MEGABYTE = 1024 * 1024


def post(site: Site, content: bytes, path: str = "/identify", **headers: str) -> httpx2.Response:
    said = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return site.target.call("POST", V1 + path, content=content, headers=said)


def body(site: Site, **fields: object) -> bytes:
    return json.dumps({"app_key": site.app_key, **fields}).encode()


NO_JSON = {
    "nothing": b"",
    "blank": b"   ",
    "null": b"null",
    "a list": b"[]",
    "text": b'"app"',
    "a number": b"1",
    "cut": b'{"app_key": "a"',
    "a comma more": b'{"app_key": "a",}',
    "single quotes": b"{'app_key': 'a'}",
    "a comment": b'{"app_key": "a"} // no',
    "two": b'{"app_key": "a"}{"app_key": "b"}',
    "a form": b"app_key=a&email=b",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "two byte order marks": b'\xef\xbb\xbf\xef\xbb\xbf{"app_key": "a"}',
    "UTF-16": '{"app_key": "a"}'.encode("utf-16"),
    "UTF-32": '{"app_key": "a"}'.encode("utf-32"),
    "no UTF-8": b'{"app_key": "\xff\xfe"}',
    "an overlong slash": b'{"app_key": "\xc0\xaf"}',
    "surrogates as UTF-8": b'{"app_key": "a", "name": "\xed\xa0\x80"}',
    "a raw NUL": b'{"app_key": "a", "name": "\x00"}',
    "a raw line end": b'{"app_key": "a", "name": "a\nb"}',
    "NaN": b'{"app_key": "a", "custom_data": {"a": NaN}}',
    "Infinity": b'{"app_key": "a", "custom_data": {"a": -Infinity}}',
    "a number beyond all": b'{"app_key": "a", "custom_data": {"a": 1e999}}',
    "a key twice": b'{"app_key": "a", "email": "a@b", "email": "c@d"}',
    "a key twice, escaped": b'{"app_key": "a", "email": "a@b", "\\u0065mail": "c@d"}',
    "a custom key twice": b'{"app_key": "a", "custom_data": {"plan": "free", "plan": "gold"}}',
    "a key twice, deep": b'{"app_key": "a", "x": [[{"a": 1, "a": 2}]]}',
    "lists without end": b"[" * 30_000,
    "objects without end": b'{"a":' * 6_000,
    "a very long number": b'{"a": 1' + b"0" * 30_000 + b"}",
}


@pytest.mark.parametrize("raw", NO_JSON.values(), ids=NO_JSON.keys())
def test_non_object_body_is_refused_everywhere(bystander: Victim, raw: bytes) -> None:
    site, session = bystander.site, bystander.browser
    for path in ("/identify", "/join", "/reset", "/conversations"):
        answer = post(site, raw, path, authorization=f"Bearer {session.token}")
        if raw == b"" and path in {"/join", "/reset"}:
            continue  # everything that these need is in the headers
        assert answer.status_code in {400, 413}, path
        assert answer.json()["code"] in {"bad_json", "too_large"}
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/contacts",):
        assert post(site, raw, path, authorization=f"Bearer {site.api_key}").json()["code"] == "bad_json"
    assert len(site.contacts()) == 1


@pytest.mark.rule("W10")
@pytest.mark.parametrize("size", [LIMIT + 1, 33 * 1024, 10 * MEGABYTE])
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
def test_oversized_body_is_refused_without_using_memory(site: Site, size: int, chunked: bool) -> None:
    raw = body(site, email=f"{site.target.name('x')}@example.com", name="x")
    padded = raw + b" " * (size - len(raw))
    before = site.target.memory
    if chunked:
        pieces = (padded[start : start + 8192] for start in range(0, size, 8192))
        framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        head = f"POST {V1}/identify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        answered = site.target.raw(head.encode() + framed)
        # A server that hangs up in the middle of ten megabytes may take its answer with it.
        assert b" 413 " in answered[:20] or (answered == b"" and size > MEGABYTE)
    else:
        answer = post(site, padded)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert site.target.memory - before < 8 * MEGABYTE
    assert site.contacts() == []


@pytest.mark.rule("W10")
def test_announced_oversize_is_refused_before_sending(site: Site) -> None:
    for size in (4 * LIMIT + 1, 10**9, 10**18):  # up to four times as much may be custom data, which is dropped
        head = f"POST {V1}/identify HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        answered = site.target.raw(head.encode())
        assert answered.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


def test_compressed_body_is_not_unpacked(site: Site) -> None:
    said = body(site, email=f"{site.target.name('x')}@example.com")
    bomb = gzip.compress(b'{"a": "' + b"a" * 25 * MEGABYTE + b'"}')
    assert len(bomb) < LIMIT
    before = site.target.memory
    for raw in (gzip.compress(said), bomb):
        for coding in ("gzip", "deflate", "br", "identity", "gzip, gzip", "x"):
            answer = post(site, raw, content_encoding=coding, content_type="application/json")
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")
    assert site.target.memory - before < 8 * MEGABYTE
    assert site.contacts() == []


@pytest.mark.rule("W10")
def test_too_many_custom_keys_store_nothing(site: Site) -> None:
    as_many = {f"k{number}": 1 for number in range(12_000)}
    assert post(site, body(site, external_id="x", custom_data=as_many)).status_code == 413
    for number_of_keys in (2_000, 8_000):
        many = {f"k{number}": 1 for number in range(number_of_keys)}
        answer = post(site, body(site, external_id="x", custom_data=many))
        assert [each["field"] for each in answer.json()["rejected"]] == ["custom_data"]
    (contact,) = site.contacts()
    assert contact["custom_data"] == {}


@pytest.mark.rule("W10")
def test_repeated_claims_cannot_fill_a_contact(site: Site, victim: Victim) -> None:
    for call in range(4):
        site.browser().identify(
            email=victim.email, custom_data={f"k{call}.{number}": "x" * 100 for number in range(99)}
        )
    assert len(site.contact(victim.id)["custom_data"][site.app_key]) <= 250
    answer = victim.browser.prove(victim.external_id, custom_data={"new": "mine"})
    assert answer.json()["kept"] == []


def test_small_body_gets_no_large_answer(site: Site) -> None:
    """Every wrong field is named, and a body may hold thousands."""
    fields = {f"wrong{number}" + "x" * 60: 1 for number in range(350)}
    custom = {" " * 50 + str(number): [] for number in range(90)}
    answer = post(site, body(site, email="x@example.com", custom_data=custom, **fields))
    assert answer.status_code == 200
    assert len(answer.json()["rejected"]) <= 51
    assert len(answer.content) < 10_000


PROTOTYPE = ("__proto__", "constructor", "prototype")


@pytest.mark.rule("W6")
@pytest.mark.parametrize(
    "key", [*PROTOTYPE, "__defineGetter__ ", "a b", "a$b", "a[b]", "a/b", "ä", "a\u202eb", "", "x" * 65]
)
def test_trap_custom_key_is_rejected_not_stored(site: Site, key: str) -> None:
    for value in ("x", {"isAdmin": True}, None):
        answer = post(site, body(site, external_id="x", custom_data={key: value, "good": 1}))
        assert [each["field"][:12] for each in answer.json()["rejected"]] == ["custom_data."]
    (contact,) = site.contacts()
    assert contact["custom_data"] == {site.app_key: {"good": 1}}


@pytest.mark.parametrize("key", [*PROTOTYPE, "toString", "contact_id", "standing", "workspace_id", "id", "identified"])
def test_unknown_identify_field_sets_nothing(site: Site, victim: Victim, key: str) -> None:
    before = victim.data()
    answer = post(site, body(site, email=victim.email, **{key: "proven"}))
    assert answer.json()["standing"] == "claimed"
    assert [each["field"] for each in answer.json()["rejected"]] == [key]
    assert victim.data() == before


@pytest.mark.rule("W8", "W11")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a\nb"),
        ("name", "a\x7fb"),
        ("name", "\x85"),
        ("name", ""),
        ("name", "x" * 256),
        ("company", "a\rb"),
        ("phone", "1\n2"),
        ("phone", "x" * 33),
        ("avatar_url", "javascript:alert(1)"),
        ("avatar_url", "data:text/html,<script>"),
        ("avatar_url", "https:"),
        ("avatar_url", "https://a b"),
        ("avatar_url", "https://[evil"),
        ("avatar_url", "//evil.test/a.png"),
        ("avatar_url", "file:///etc/passwd"),
        ("email", "a@b\r\nBcc: c@d"),
        ("email", "a b@example.com"),
        ("email", "a@b@example.com"),
        ("email", "x" * 250 + "@example.com"),
        ("external_id", "a\nb"),
        ("external_id", "x" * 256),
        ("external_id", "\u200b\u200b"),
        ("custom_data", ["a"]),
        ("custom_data", "a"),
        ("custom_data", {"a": {"b": 1}}),
        ("custom_data", {"a": ["b"]}),
        ("custom_data", {"a": "x\x07y"}),
        ("custom_data", {"a": "x" * 1025}),
        ("custom_data", {"a": 10**30}),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_invalid_value_is_named_but_not_echoed(site: Site, field: str, value: object) -> None:
    others: dict[str, Any] = {"email": "right@example.com", "external_id": "right"}
    answer = post(site, body(site, **{**others, field: value}))
    assert answer.status_code == 200
    (rejected,) = answer.json()["rejected"]
    assert rejected["field"].partition(".")[0] == field
    text = value if isinstance(value, str) else ""
    assert len(text) < 3 or text not in answer.text
    (contact,) = site.contacts()
    assert contact[field] in (None, {})


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png", "x"]
)
def test_simple_content_type_gives_foreign_page_nothing(bystander: Victim, kind: str) -> None:
    """A form of another site needs no preflight, and so could write if its origin were not looked at."""
    site = bystander.site
    said = body(site, email="x@example.com")
    assert post(site, said, content_type=kind, origin="https://evil.test").status_code == 403
    assert site.has(email="x@example.com") == []


@pytest.mark.parametrize(
    "path", ["/identify", "/join", "/reset", "/me", "/conversations", "/contacts", "/identity-token"]
)
def test_other_methods_and_overrides_do_nothing(bystander: Victim, path: str) -> None:
    site = bystander.site
    said = body(site, email="x@example.com", text="hello")
    allowed = {"GET", "HEAD"} if path == "/me" else {"POST"}
    if path in {"/conversations", "/contacts"}:
        allowed = {"GET", "HEAD", "POST"}
    for method in {"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "post", "POSTX"} - allowed:
        answer = site.target.answer_to(f"{method} {V1}{path} HTTP/1.1", said)
        assert answer.status in {400, 405}, method
        assert b"x@example.com" not in answer.body  # which TRACE would send back
    for override in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        reading = "/me" if path != "/conversations" else path
        answer = site.target.answer_to(f"GET {V1}{reading}?_method=POST HTTP/1.1", said, headers=[(override, "POST")])
        assert answer.status == 401
    assert site.has(email="x@example.com") == []


@pytest.mark.parametrize(
    "key", [["a"], {"a": 1}, 7, True, "", "app_" + "x" * 5000, "' OR 1=1 --", "../..", "\N{SNOWMAN}"]
)
def test_invalid_app_key_is_unknown_app(bystander: Victim, key: object) -> None:
    site = bystander.site
    for path, fields in (("/join", {}), ("/identify", {"email": "x@example.com"}), ("/reset", {})):
        answer = post(site, json.dumps({"app_key": key, **fields}).encode(), path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_app")


@pytest.mark.slow
def test_endless_bodies_keep_no_caller_waiting(site: Site) -> None:
    """Hundreds of callers send half of a body, and then nothing."""
    said = body(site, email=f"{site.target.name('slow')}@example.com")
    head = f"POST {V1}/identify HTTP/1.1\r\nHost: x\r\nContent-Length: {len(said)}\r\n\r\n".encode()
    address = (urlsplit(site.target.url).hostname or "", urlsplit(site.target.url).port or 0)
    with ExitStack() as open_ones:
        for _ in range(300):
            connection = open_ones.enter_context(socket.create_connection(address, timeout=PATIENCE))
            connection.sendall(head + said[: len(said) // 2])
        for _ in range(3):
            assert site.browser().identify(external_id=site.target.name("quick")).status_code == 200
    assert site.target.call("GET", "/hullo/readyz").status_code == 200
    assert {each["email"] for each in site.contacts()} == {None}
