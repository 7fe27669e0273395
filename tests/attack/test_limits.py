"""Rate limits, and how to get around them: another name for one's address, another session, another way of asking."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from attack.serving import Headers, Target, at_once, begin
from attack.site import V1, Site
from cli.serving import Reply
from hullo.model.request_context import secret_digest

SESSIONS, CALLS, IDENTIFIES = 5, 60, 6
PROXY = "127.9.9.9"
SETTINGS = f"""
trusted_proxies = ["{PROXY}", "127.8.0.0/16"]
[rate_limits]
sessions_per_address = {SESSIONS}
calls_per_address = {CALLS}
identifies_per_session = {IDENTIFIES}
"""

_addresses = (f"127.1.{number // 250}.{number % 250 + 1}" for number in count())


@pytest.fixture(scope="session")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that lets nobody do much. Each test calls from addresses of its own, as a minute is long."""
    folder = tmp_path_factory.mktemp("limited")
    (folder / "hullo.toml").write_text(SETTINGS)
    target = begin(folder, f"sqlite:///{folder}/hullo.db")
    yield target
    target.close()


@pytest.fixture
def target(limited: Target) -> Iterator[Target]:
    with limited.undisturbed():
        yield limited


@pytest.fixture
def address() -> str:
    """That nobody else calls from."""
    return next(_addresses)


def call(
    site: Site,
    source: str,
    path: str,
    headers: Headers = (),
    *,
    session: str | None = None,
    method: str = "POST",
    **fields: Any,
) -> Reply:
    said = json.dumps({"app_key": site.app_key, **fields}).encode() if method == "POST" else b""
    sent = [*headers, *([("Authorization", f"Bearer {session}")] if session is not None else [])]
    sent += [("X-Hullo-App", site.app_key)] if method == "GET" else []
    return site.target.answer_to(f"{method} {V1}{path} HTTP/1.1", said, headers=sent, source=source)


def joins(site: Site, source: str, *headers_of_each: Headers) -> Counter[int]:
    return Counter(call(site, source, "/join", headers).status for headers in headers_of_each)


def forwarded(*lines: str, name: str = "X-Forwarded-For") -> Headers:
    return [(name, line) for line in lines]


def all_different(write: Any) -> list[Headers]:
    """Headers for twice as many calls as are allowed, each of which says another address."""
    return [write(f"198.51.100.{number}") for number in range(SESSIONS * 2)]


CLAIMED = {
    "nothing": lambda address: [],
    "one": lambda address: forwarded(address),
    "several": lambda address: forwarded(f"{address}, {address}"),
    "several lines": lambda address: forwarded(address, address),
    "with the peer behind": lambda address: forwarded(f"{address}, 127.0.0.1"),
    "with a proxy behind": lambda address: forwarded(f"{address}, {PROXY}"),
    "IPv6": lambda address: forwarded(f"2001:db8:{address.rpartition('.')[2]}::1"),
    "Forwarded": lambda address: forwarded(f"for={address}", name="Forwarded"),
    "X-Real-IP": lambda address: forwarded(address, name="X-Real-IP"),
    "X-Client-IP": lambda address: forwarded(address, name="X-Client-IP"),
    "True-Client-IP": lambda address: forwarded(address, name="True-Client-IP"),
    "CF-Connecting-IP": lambda address: forwarded(address, name="CF-Connecting-IP"),
    "X-Cluster-Client-IP": lambda address: forwarded(address, name="X-Cluster-Client-IP"),
    "Via": lambda address: forwarded(f"1.1 {address}", name="Via"),
    "another case": lambda address: forwarded(address, name="x-FORWARDED-for"),
    "with an underscore": lambda address: forwarded(address, name="X_Forwarded_For"),
    "Host": lambda address: [("Host", address)],
    "User-Agent": lambda address: [("User-Agent", address)],
}


@pytest.mark.parametrize("write", CLAIMED.values(), ids=CLAIMED.keys())
def test_untrusted_peer_is_counted_by_own_address(site: Site, address: str, write: Any) -> None:
    assert joins(site, address, *all_different(write)) == {200: SESSIONS, 429: SESSIONS}


BEHIND = {
    "addresses before the true one": lambda address: forwarded(f"{address}, CLIENT"),
    "many before the true one": lambda address: forwarded(", ".join([address] * 50 + ["CLIENT"])),
    "addresses in lines before": lambda address: forwarded(address, "CLIENT"),
    "proxies before the true one": lambda address: forwarded(f"{address}, {PROXY}, CLIENT"),
    "proxies behind the true one": lambda address: forwarded(f"{address}, CLIENT, {PROXY}, 127.8.0.1"),
    "a port that changes": lambda address: forwarded(f"CLIENT:{1000 + int(address.rpartition('.')[2])}"),
    "the same as IPv6": lambda address: forwarded(f"{address}, ::ffff:CLIENT"),
    "the same in brackets": lambda address: forwarded(f"{address}, [::ffff:CLIENT]:80"),
    "blanks": lambda address: forwarded(f"{address},\t  CLIENT \t"),
    "what is no address before": lambda address: forwarded(f"x{address}, CLIENT"),
    "an empty line before": lambda address: forwarded("", f"{address}, CLIENT"),
}


@pytest.mark.parametrize("write", BEHIND.values(), ids=BEHIND.keys())
def test_forwarded_address_from_caller_is_ignored(site: Site, address: str, write: Any) -> None:
    sent = [[(name, value.replace("CLIENT", address)) for name, value in each] for each in all_different(write)]
    assert joins(site, PROXY, *sent) == {200: SESSIONS, 429: SESSIONS}


def test_invalid_forwarded_address_counts_as_the_proxy(site: Site) -> None:
    """A proxy of which the settings list a whole network, so that this test has one of its own."""
    wrong = (
        "x",
        "unknown",
        "_hidden",
        "1.2.3",
        "999.1.1.1",
        "01.2.3.4",
        "fe80::1%eth0",
        "[",
        "1.2.3.4:x",
        "' OR 1=1 --",
    )
    sent = [forwarded(f"198.51.100.{number}, {text}") for number, text in enumerate(wrong)]
    assert joins(site, "127.8.7.7", *sent) == {200: SESSIONS, 429: len(wrong) - SESSIONS}


def test_ipv6_prefix_of_one_customer_counts_once(site: Site) -> None:
    network = f"2001:db8:{abs(hash(site.app_key)) % 65536:x}:1"
    sent = [forwarded(f"{network}::{number + 1:x}") for number in range(SESSIONS * 2)]
    assert joins(site, PROXY, *sent) == {200: SESSIONS, 429: SESSIONS}


def test_session_limit_closes_every_way_in(site: Site, address: str) -> None:
    person = {"external_id": site.target.name("person")}
    assert joins(site, address, *[[]] * SESSIONS) == {200: SESSIONS}
    ways = [
        call(site, address, "/join"),
        call(site, address, "/join", session_token="hvs_" + "0" * 64),
        call(site, address, "/join", session="hvs_" + "0" * 64),
        call(site, address, "/reset"),
        call(site, address, "/identify", **person),
        call(site, address, "/identify", **person, user_hash=site.hash(person["external_id"])),
        *(call(site, address, "/identify", [("Idempotency-Key", f"key-{each}")], **person) for each in range(3)),
        call(site.beside(), address, "/join"),
    ]
    assert [answer.status for answer in ways] == [429] * len(ways)
    assert {answer.json["code"] for answer in ways} == {"rate_limited"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in ways)
    assert site.has(**person) == []


def test_identity_token_arrivals_share_the_session_limit(site: Site, address: str) -> None:
    """Who is proven may make any number of tokens, and each arrival is a session."""
    person = site.target.name("person")
    session = call(site, next(_addresses), "/identify", external_id=person, user_hash=site.hash(person)).json
    other = next(_addresses)
    tokens = [
        call(site, other, "/identity-token", session=session["session_token"]).json["token"]
        for _ in range(SESSIONS * 2)
    ]
    arrived = [
        site.target.answer_to(f"GET /?hullo_identity={token} HTTP/1.1", source=address).headers for token in tokens
    ]
    assert sum("set-cookie" in headers for headers in arrived) == SESSIONS


def test_concurrent_joins_obey_the_session_limit(site: Site, address: str) -> None:
    statuses = Counter(at_once(lambda: call(site, address, "/join").status))
    assert statuses[200] == SESSIONS


def test_identify_limit_counts_every_token_transport(site: Site, address: str) -> None:
    session = call(site, address, "/join").json["session_token"]
    own = [("Cookie", f"hullo_session={session}"), ("Origin", site.target.url)]
    statuses: list[int] = []
    for number in range(IDENTIFIES):
        person = {"external_id": "person", "name": f"Name {number}"}
        statuses += [
            call(site, address, "/identify", session=session, **person, company="1").status,
            call(site, address, "/identify", session_token=session, **person, company="2").status,
            call(site, address, "/identify", own, **person, company="3").status,
        ]
    assert Counter(statuses) == {200: IDENTIFIES, 429: IDENTIFIES * 2}


def test_session_switches_share_one_identify_limit(site: Site, address: str) -> None:
    session = call(site, address, "/join").json["session_token"]
    statuses: list[int] = []
    for number in range(IDENTIFIES * 2):
        answer = call(site, address, "/identify", session=session, external_id=f"person {number}")
        session = answer.json.get("session_token", session) if answer.status == 200 else session
        statuses.append(answer.status)
    assert Counter(statuses) == {200: IDENTIFIES, 429: IDENTIFIES}


@pytest.mark.rule("V1")
def test_hash_guesses_of_a_session_are_limited(site: Site, address: str) -> None:
    session = call(site, address, "/join").json["session_token"]
    guesses = [f"{guess:064x}" for guess in range(IDENTIFIES)]
    statuses = [
        call(site, address, "/identify", session=session, external_id="victim", user_hash=guess).status
        for guess in (*guesses, site.hash("victim"))
    ]
    assert Counter(statuses) == {401: IDENTIFIES, 429: 1}
    assert site.has(external_id="victim") == []


@pytest.mark.rule("H2")
def test_session_limit_does_not_reveal_known_contacts(site: Site) -> None:
    """Calls that change nothing are free: counting what is left must not tell that something was written."""
    known, unknown = site.target.name("person"), site.target.name("person")
    server = [("Authorization", f"Bearer {site.api_key}")]
    written = call(site, next(_addresses), "/contacts", server, external_id=known, name="Known")
    assert written.status == 200
    told: list[list[int]] = []
    for person in (known, unknown):
        address = next(_addresses)
        session = call(site, address, "/join").json["session_token"]
        said = [{"name": "Guess"}, {"name": "Guess"}, {"name": "Other"}, {"name": "Guess"}] * IDENTIFIES
        told.append(
            [call(site, address, "/identify", session=session, external_id=person, **each).status for each in said]
        )
    assert told[0] == told[1]
    assert 429 in told[0]


def test_address_over_its_limit_is_refused_everything(site: Site, address: str) -> None:
    session = call(site, next(_addresses), "/join").json["session_token"]
    statuses = Counter(call(site, address, "/me", session=session, method="GET").status for _ in range(CALLS + 10))
    assert statuses == {200: CALLS, 429: 10}
    other_ways = [
        call(site, address, "/me", session=session, method="GET"),
        call(site, address, "/join"),
        call(site, address, "/identify", external_id="x", user_hash=site.hash("x")),
        call(site, address, "/conversations", session=session, text="hello"),
        call(site, address, "/me", [("Authorization", "Bearer hsk_" + "0" * 64)], method="GET"),
        call(site, address, "/me", [("Authorization", f"Bearer {site.api_key[:-1]}")], method="GET"),
    ]
    assert {answer.status for answer in other_ways} == {429}
    assert call(site, next(_addresses), "/me", session=session, method="GET").status == 200


def test_api_key_guesses_are_limited(site: Site, address: str) -> None:
    statuses = Counter(
        site.target.answer_to(
            f"GET {V1}/contacts HTTP/1.1",
            headers=[("Authorization", "Bearer hsk_" + secret_digest(str(guess)))],
            source=address,
        ).status
        for guess in range(CALLS + 10)
    )
    assert statuses == {401: CALLS, 429: 10}


def test_refusal_is_unreadable_to_unlisted_pages(site: Site, address: str) -> None:
    joins(site, address, *[[]] * SESSIONS)
    for origin in ("https://evil.test", "null"):
        answer = call(site, address, "/join", [("Origin", origin)])
        assert answer.status in {403, 429}
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_refused_calls_write_nothing(site: Site, address: str) -> None:
    joins(site, address, *[[]] * SESSIONS)
    for number in range(3):
        call(site, address, "/identify", external_id=f"flood {number}", user_hash=site.hash(f"flood {number}"))
    assert site.contacts() == []
