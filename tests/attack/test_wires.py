"""Requests that two servers in a row would read in two ways, and what is not HTTP at all."""

from __future__ import annotations

import json

import pytest

from attack.serving import Target
from attack.site import V1, Site, Victim

LINE_END = "\r\n"


def identify_request(site: Site, name: str) -> str:
    """A whole request, to be hidden in another: it identifies somebody."""
    said = json.dumps({"app_key": site.app_key, "external_id": name})
    return f"POST {V1}/identify HTTP/1.1\r\nHost: x\r\nContent-Length: {len(said)}\r\n\r\n{said}"


CLOSE = "Connection: close"
CHUNKED = "Transfer-Encoding: chunked"

SMUGGLING: dict[str, tuple[list[str], str]] = {
    "length and chunks": (["Content-Length: HIDDEN5", CHUNKED], "0\r\n\r\nHIDDEN"),
    "chunks and length": ([CHUNKED, "Content-Length: 4"], "0\r\n\r\nHIDDEN"),
    "two lengths": (["Content-Length: 0", "Content-Length: HIDDEN0"], "HIDDEN"),
    "two lengths in one line": (["Content-Length: 0, 5"], "HIDDEN"),
    "a length with a sign": (["Content-Length: +0"], "HIDDEN"),
    "a negative length": (["Content-Length: -1"], "HIDDEN"),
    "a length in hexadecimal": (["Content-Length: 0x0"], "HIDDEN"),
    "a length with a space inside": (["Content-Length: 0 0"], "HIDDEN"),
    "a length that no number holds": ([f"Content-Length: {2**64}"], "HIDDEN"),
    "a length before a space": (["Content-Length : HIDDEN0"], "HIDDEN"),
    "a length in a folded line": (["X: y", " Content-Length: HIDDEN0"], "HIDDEN"),
    "a length after NUL": (["X: y\0", "Content-Length: HIDDEN0"], "HIDDEN"),
    "a length after a bare CR": (["X: y\rContent-Length: HIDDEN0"], "HIDDEN"),
    "chunks before a space": (["Transfer-Encoding : chunked", "Content-Length: 0"], "HIDDEN"),
    "chunks twice": ([CHUNKED, CHUNKED], "0\r\n\r\nHIDDEN"),
    "chunks and identity": ([CHUNKED, "Transfer-Encoding: identity"], "0\r\n\r\nHIDDEN"),
    "another coding": (["Transfer-Encoding: xchunked", "Content-Length: 0"], "HIDDEN"),
    "a coding behind a tab": (["Transfer-Encoding:\tchunked", "Content-Length: 0"], "HIDDEN"),
    "a coding behind a vertical tab": (["Transfer-Encoding: \x0bchunked", "Content-Length: 0"], "HIDDEN"),
    "a chunk with a sign": ([CHUNKED], "+0\r\n\r\nHIDDEN"),
    "a chunk in hexadecimal": ([CHUNKED], "0x0\r\n\r\nHIDDEN"),
    "a chunk that no number holds": ([CHUNKED], "fffffffffffffffff\r\n\r\nHIDDEN"),
    "a chunk of a negative size": ([CHUNKED], "-1\r\n\r\nHIDDEN"),
    "a chunk without its end": ([CHUNKED], "2\r\n{}XX0\r\n\r\nHIDDEN"),
    "a header without a name": ([": x", "Content-Length: 0"], "HIDDEN"),
    "a header without a colon": (["Content-Length", "Content-Length: 0"], "HIDDEN"),
}


@pytest.mark.parametrize(("headers", "rest"), SMUGGLING.values(), ids=SMUGGLING.keys())
def test_smuggled_request_is_not_read(bystander: Victim, headers: list[str], rest: str) -> None:
    site = bystander.site
    name = site.target.name("smuggled")
    hidden = identify_request(site, name)
    sizes = {"HIDDEN5": str(len(hidden) + 5), "HIDDEN0": str(len(hidden))}
    lines = [f"POST {V1}/join HTTP/1.1", "Host: x", CLOSE, *headers]
    sent = LINE_END.join([*lines, "", rest])
    for written, meant in sizes.items():
        sent = sent.replace(written, meant)
    answered = site.target.raw(sent.replace("HIDDEN", hidden).encode("latin-1"))
    assert answered.count(b"HTTP/1.1 ") == 1
    assert answered.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.1 413 ", b"HTTP/1.1 501 "))
    assert site.has(external_id=name) == []


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50),
        b"SSH-2.0-OpenSSH_9.0\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 4096,
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX\x00: y\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"\x7f" * 10 + b"\r\n\r\n",
        b"A" * 100_000,
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"y" * 500_000 + b"\r\n\r\n",
    ],
    ids=lambda sent: ascii(sent[:20]),
)
def test_malformed_request_does_no_harm(target: Target, sent: bytes) -> None:
    before = target.memory
    answered = target.raw(sent + b"\r\n\r\n" * 2)
    assert answered.count(b"HTTP/1.1 ") <= 2
    assert b"Traceback" not in answered
    assert target.memory - before < 16 * 1024 * 1024
    assert target.call("GET", "/hullo/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/hullo/../hullo/v1/contacts",
        "/hullo/v1/../../etc/passwd",
        "/hullo/%2e%2e/%2e%2e/etc/passwd",
        "/hullo/..%2f..%2fetc/passwd",
        "/hullo/v1/contacts/..%2f..%2fconversations",
        "/hullo/v1/contacts/%00",
        "/hullo/v1/contacts/%ff%fe",
        "/hullo/v1/contacts/%F0%9F%94%91",
        "/hullo/v1/contacts/%27%20OR%201%3D1",
        "/hullo/v1//contacts",
        "/hullo//v1/contacts",
        "//hullo/v1/contacts",
        "/HULLO/v1/contacts",
        "/hullo/v1/contacts;a=b",
        "/hullo/v1/contacts/",
        "/hullo/v1/contacts%2f",
        "/hullo/v1/contacts%00",
        "/hullo;/v1/contacts",
        "/hullo/v1/contacts/con_x/../../contacts",
        "/hullo\\v1\\contacts",
        "/hullo/V1/contacts",
        "/hullo/v1/contacts?/hullo/healthz",
    ],
)
def test_disguised_path_still_needs_a_key(bystander: Victim, path: str) -> None:
    victim, site = bystander, bystander.site
    for method in ("GET", "POST", "DELETE"):
        answer = site.target.answer_to(f"{method} {path} HTTP/1.1", b"{}" if method == "POST" else b"")
        assert answer.status in {400, 401, 404, 405}
        assert victim.id.encode() not in answer.body
        assert b"root:" not in answer.body
        assert "location" not in answer.headers
