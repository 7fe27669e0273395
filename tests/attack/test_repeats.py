"""An `Idempotency-Key` that somebody else has used: it gets nobody their answer, and least of all their session."""

from __future__ import annotations

import json
from typing import Any

import pytest

from attack.serving import CROWD, at_once
from attack.site import V1, Browser, Site, Victim
from cli.serving import Reply

KEY = "5e0f7a52-3b5c-4f39-9d5b-6a1b0f0f7d11"


def repeat(browser: Browser, key: str, **fields: Any) -> Any:
    return browser.post("/identify", fields, [("idempotency-key", key)])


def from_address(site: Site, source: str, key: str, fields: dict[str, Any], *more: tuple[str, str]) -> Reply:
    said = json.dumps({"app_key": site.app_key, **fields}).encode()
    headers = [("Idempotency-Key", key), *more]
    return site.target.answer_to(f"POST {V1}/identify HTTP/1.1", said, headers=headers, source=source)


def signed(victim: Victim) -> dict[str, Any]:
    return {"external_id": victim.external_id, "user_hash": victim.site.hash(victim.external_id)}


def test_idempotency_key_of_another_session_repeats_nothing(site: Site, victim: Victim) -> None:
    first = repeat(victim.browser, KEY, email=victim.email).json()
    attacker = site.browser()
    attacker.join()
    second = repeat(attacker, KEY, email=victim.email)
    assert second.json()["visitor_id"] != first["visitor_id"]
    assert second.json()["standing"] == "claimed"
    assert victim.id not in second.text


def test_proven_answer_repeats_only_for_its_session(site: Site, victim: Victim) -> None:
    body = signed(victim)
    assert repeat(victim.browser, KEY, **body).json()["standing"] == "proven"
    wrong = {**body, "user_hash": "0" * 64}
    anonymous, other = site.browser(), site.browser()
    other.join()
    for attacker in (anonymous, other):
        answer = repeat(attacker, KEY, **wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "proof_rejected")


def test_idempotency_key_with_another_body_leaks_nothing(site: Site, victim: Victim) -> None:
    first = repeat(site.browser(), KEY, **signed(victim)).json()
    answer = repeat(site.browser(), KEY, email="x@example.com")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    for secret in (first["session_token"], first["visitor_id"], first["contact_id"], victim.email):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "claims",
    [
        [],
        [("X-Forwarded-For", "127.0.0.1")],
        [("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "127.0.0.1")],
        [("X-Forwarded-For", "1.2.3.4, 127.0.0.1")],
        [("Forwarded", "for=127.0.0.1")],
        [("X-Real-IP", "127.0.0.1")],
        [("X-Client-IP", "127.0.0.1"), ("True-Client-IP", "127.0.0.1"), ("CF-Connecting-IP", "127.0.0.1")],
    ],
    ids=str,
)
def test_idempotency_key_from_another_address_shares_nothing(site: Site, claims: list[tuple[str, str]]) -> None:
    """Whatever it says of itself. (Behind one address the key is all there is, and so it should be a UUID.)"""
    said = {"email": f"{site.target.name('victim')}@example.com"}
    first = from_address(site, "127.0.0.1", KEY, said)
    assert first.status == 200
    stolen = from_address(site, "127.0.0.2", KEY, said, *claims)
    assert stolen.status == 200
    assert stolen.json["session_token"] != first.json["session_token"]
    assert stolen.json["visitor_id"] != first.json["visitor_id"]


def test_idempotency_key_in_another_app_repeats_nothing(site: Site) -> None:
    said = {"external_id": site.target.name("person")}
    first = repeat(site.browser(), KEY, **said).json()
    for other in (site.beside(), site.elsewhere()):
        assert repeat(other.browser(), KEY, **said).json()["visitor_id"] != first["visitor_id"]


@pytest.mark.rule("S2")
def test_ended_session_gets_no_repeated_answer(site: Site, victim: Victim) -> None:
    over = Browser(site)
    over.token = victim.browser.token
    assert repeat(over, KEY, **signed(victim)).status_code == 200
    victim.browser.post("/reset")
    answer = repeat(over, KEY, **signed(victim))
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


@pytest.mark.rule("S2", "C5")
def test_repeat_does_not_revive_an_ended_session(site: Site, victim: Victim) -> None:
    """A switch of user is repeated with the token that it gave, and that has been reset meanwhile."""
    old = Browser(site)
    old.token = victim.browser.token
    switched = repeat(victim.browser, KEY, email="other@example.com").json()
    assert switched["switched"]
    victim.browser.post("/reset")
    again = repeat(old, KEY, email="other@example.com")
    if again.status_code == 200:
        assert old.get("/me").status_code == 401


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7fb", "\xe9", "\t"], ids=ascii)
def test_invalid_idempotency_key_is_refused(site: Site, key: str) -> None:
    answer = from_address(site, "127.0.0.1", key, {"email": "x@example.com"})
    assert answer.status in {400, 422}
    assert site.contacts() == []


@pytest.mark.rule("R1")
def test_concurrent_identical_calls_run_once(site: Site) -> None:
    said = {"email": f"{site.target.name('x')}@example.com"}
    first = site.browser()
    first.join()

    def again() -> str:
        other = Browser(site)
        other.token = first.token
        return str(repeat(other, KEY, **said).text)

    assert len(set(at_once(again))) == 1
    sessions = at_once(lambda: from_address(site, "127.0.0.3", KEY, said).json["session_token"])
    assert len(sessions) == CROWD
    assert len(set(sessions)) == 1
    assert len(site.contacts()) == 1


def test_idempotency_key_on_another_path_repeats_nothing(site: Site, victim: Victim) -> None:
    first = repeat(site.browser(), KEY, **signed(victim)).json()
    for path in ("/join", "/reset"):
        answer = site.browser().post(path, {}, [("idempotency-key", KEY)]).json()
        assert answer["visitor_id"] != first["visitor_id"]
        assert answer["identified"] is False
