"""The tool that says what is wrong with a proof (V8): for a site's own developer, and nobody who would forge one."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from attack.jose import hs256, in_order
from attack.site import V1, Site, Victim
from hullo.model.app import Scope

NOBODYS = "app_01m80a3k0gk2v0z3c5p7dq9xyw"


def check(site: Site, *, key: str | None = None, app: str | None = None, **body: Any) -> httpx2.Response:
    return site.api("POST", f"/apps/{app or site.app_key}/check", body, key=key)


@pytest.mark.rule("V7", "V8")
def test_browser_never_learns_why_proof_failed(bystander: Victim) -> None:
    site = bystander.site
    path = f"{V1}/apps/{site.app_key}/check"
    said = {"external_id": bystander.external_id, "user_hash": "0" * 64}
    page = ("origin", "http://localhost")
    for headers in (
        [],
        [page],
        [("authorization", f"Bearer {bystander.browser.token}"), page],
        [("cookie", f"hullo_session={bystander.browser.token}"), ("origin", site.target.url)],
    ):
        answer = site.target.call("POST", path, json={**said, "app_key": site.app_key}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "key_required")
    preflight = site.target.call("OPTIONS", path, headers=[page, ("access-control-request-method", "POST")])
    with_key = site.target.call("POST", path, json=said, headers=[page, ("authorization", f"Bearer {site.api_key}")])
    for answer in (preflight, with_key):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.rule("V8")
@pytest.mark.parametrize("path", ["", "/check"])
def test_foreign_key_cannot_tell_app_from_none(bystander: Victim, path: str) -> None:
    site = bystander.site
    method, said = ("POST", {"external_id": "x", "user_hash": "x"}) if path else ("GET", None)
    thief = site.elsewhere().api_key
    answers = [site.api(method, f"/apps/{app}{path}", said, key=thief) for app in (site.app_key, NOBODYS)]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    beside = site.new_api_key(app_key=site.beside().app_key)
    blind = site.new_api_key(Scope.WRITE, Scope.ERASE)
    for key in (beside, blind):
        answer = site.api(method, f"/apps/{site.app_key}{path}", said, key=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.rule("V8")
def test_check_does_not_reveal_right_proof(bystander: Victim) -> None:
    """A key that may read need not be one that may sign."""
    victim, site = bystander, bystander.site
    right = site.hash(victim.external_id)
    token = hs256(site.secret, in_order(site.app_key, sub=victim.external_id))
    reader = site.new_api_key(Scope.READ)
    wrong: list[dict[str, Any]] = [
        {"user_hash": "0" * 64},
        {"user_hash": right.upper()},
        {"user_hash": right + " "},
        {"user_hash": right[:-1]},
        {"user_hash": site.hash(victim.email)},
        {"user_hash": " "},
        {"user_hash": 7},
        {"token": token[:-4]},
        {"token": "e30.e30.e30"},
        {"token": hs256("x" * 64, in_order(site.app_key, sub=victim.external_id))},
        {"identity_token": token + "A"},
        {"shop": "x", "shop_hash": "0" * 64},
    ]
    secrets = [site.secret, site.api_key, victim.browser.token, token.split(".")[2], site.hash("x"), "hvs_"]
    for said in wrong:
        answer = check(site, key=reader, external_id=victim.external_id, **said)
        assert answer.status_code == 200
        assert answer.json()["accepted"] is False
        assert not [secret for secret in secrets if str(secret) in answer.text]
        assert right not in answer.text


@pytest.mark.rule("V8", "V5", "T1")
def test_check_changes_and_spends_nothing(site: Site, victim: Victim) -> None:
    before, people = victim.data(), site.contacts()
    person = site.target.name("person")
    token = hs256(site.secret, in_order(site.app_key, sub=person, jti=site.target.name("jti")))
    hop = victim.browser.hop()
    for said in (
        {"token": token},
        {"identity_token": hop},
        {"external_id": person, "user_hash": site.hash(person)},
        {"external_id": victim.external_id, "user_hash": site.hash(victim.external_id), "name": "Mallory"},
        {"email": victim.email, "session_token": victim.browser.token},
    ):
        answer = check(site, **said)
        assert answer.json()["accepted"] is True
        assert "hvs_" not in answer.text
    assert (victim.data(), site.contacts()) == (before, people)
    assert victim.sees() == {victim.conversation}
    assert site.browser().identify(token=token).json()["standing"] == "proven"
    assert site.browser().identify(identity_token=hop).json()["standing"] == "proven"


@pytest.mark.rule("V8")
def test_check_ignores_other_workspaces_people_and_sessions(site: Site, victim: Victim) -> None:
    elsewhere = site.elsewhere()
    tried = check(elsewhere, email=victim.email, external_id=victim.external_id).json()
    assert tried["decision"]["created"] is True
    with_session = check(elsewhere, email=victim.email, session_token=victim.browser.token)
    assert with_session.json()["refused"]["code"] == "session_revoked"
    assert victim.id not in with_session.text


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"user_hash": "a", "user_hash": "b"}', b'{"a": ' * 5000, b"x" * 40_000]
)
def test_invalid_check_body_is_refused(bystander: Victim, raw: bytes) -> None:
    site = bystander.site
    path = f"{V1}/apps/{site.app_key}/check"
    answer = site.target.call("POST", path, content=raw, headers=[("authorization", f"Bearer {site.api_key}")])
    assert answer.status_code in {400, 413}


def test_app_description_omits_its_keys(bystander: Victim) -> None:
    site = bystander.site
    answer = site.api("GET", f"/apps/{site.app_key}")
    assert answer.status_code == 200
    assert site.secret not in answer.text
    assert site.made.identity_key_id not in answer.text


def test_api_description_names_no_person(bystander: Victim) -> None:
    answer = bystander.site.target.call("GET", "/hullo/openapi.json")
    assert answer.status_code == 200
    for secret in (bystander.site.app_key, bystander.site.secret, bystander.email, bystander.id):
        assert secret not in answer.text
