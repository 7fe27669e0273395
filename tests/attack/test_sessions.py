"""Sessions (S): chosen by the attacker, kept after their end, taken elsewhere, and guessed from what is not secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attack.serving import seen
from attack.site import V1, Browser, Site, Victim
from hullo.model.request_context import secret_digest

PLANTED = "hvs_" + "0" * 64
"""A token that an attacker made up, in the form of a real one."""


def show(site: Site, method: str, path: str, token: str, where: str, **fields: Any) -> Any:
    """A call that shows the token in this place."""
    body = {"app_key": site.app_key, **fields}
    headers = [("x-hullo-app", site.app_key)]
    if where == "header":
        headers.append(("authorization", f"Bearer {token}"))
    elif where == "body":
        body["session_token"] = token
    else:
        headers += [("cookie", f"hullo_session={token}"), ("origin", site.target.url)]
    return site.target.call(method, V1 + path, json=None if method == "GET" else body, headers=headers)


PLACES = ("header", "body", "cookie")


@pytest.mark.rule("S1")
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    "token", [PLANTED, "hvs_evil", "evil", "null", "hvs_" + "x" * 6000, "hvs_"], ids=lambda each: each[:9]
)
def test_unissued_session_token_never_becomes_valid(bystander: Victim, where: str, token: str) -> None:
    """An attacker who could choose the token would share the session of whoever they plant it on."""
    site = bystander.site
    joined = show(site, "POST", "/join", token, where)
    assert joined.status_code == 200
    assert joined.json()["session_token"] != token
    known = {"external_id": site.target.name("victim")}
    identified = show(site, "POST", "/identify", token, where, **known, user_hash=site.hash(known["external_id"]))
    if identified.status_code == 200:  # a cookie that is none is no session at all
        assert where == "cookie"
        assert not token.startswith("hvs_")
    attacker = site.browser()
    attacker.token = token
    assert attacker.get("/me").status_code == 401


@pytest.mark.rule("S1", "S2")
@pytest.mark.parametrize("where", PLACES)
def test_session_of_another_app_opens_nothing(site: Site, victim: Victim, where: str) -> None:
    for other in (site.beside(), site.elsewhere()):
        token = victim.browser.token or ""
        assert show(other, "POST", "/identify", token, where, email="x@example.com").json()["code"] == "session_revoked"
        answer = show(other, "POST", "/conversations", token, where, text="hello")
        assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")
        joined = show(other, "POST", "/join", token, where).json()
        assert (joined["identified"], joined["conversations"]) == (False, [])
        assert show(other, "POST", "/reset", token, where).status_code == 200
    assert victim.sees() == {victim.conversation}  # and nobody elsewhere has ended it


def _reset(victim: Victim) -> str:
    token = victim.browser.token
    victim.browser.post("/reset")
    return str(token)


def _somebody_else(victim: Victim) -> str:
    token = victim.browser.token
    assert victim.browser.prove(victim.site.target.name("other")).json()["switched"]
    return str(token)


def _claimed_to_be_somebody_else(victim: Victim) -> str:
    token = victim.browser.token
    assert victim.browser.identify(email="other@example.com").json()["switched"]
    return str(token)


def _logged_out_everywhere(victim: Victim) -> str:
    token = victim.browser.token
    victim.site.api("DELETE", f"/contacts/{victim.id}/sessions")
    return str(token)


ENDINGS = (_reset, _somebody_else, _claimed_to_be_somebody_else, _logged_out_everywhere)


@pytest.mark.rule("S2", "C5")
@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__.strip("_"))
def test_ended_session_opens_nothing_anywhere(site: Site, victim: Victim, end: Callable[[Victim], str]) -> None:
    over = end(victim)
    calls = {
        "/identify": {"email": victim.email},
        "/conversations": {"text": "hello"},
        f"/conversations/{victim.conversation}/messages": {"text": "hello"},
        "/identity-token": {},
    }
    for where in PLACES:
        for path, fields in calls.items():
            answer = show(site, "POST", path, over, where, **fields)
            assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked"), (where, path)
    for path in ("/me", "/conversations", f"/conversations/{victim.conversation}/messages"):
        assert show(site, "GET", path, over, "header").json()["code"] == "session_revoked"
    joined = show(site, "POST", "/join", over, "header").json()
    assert (joined["identified"], joined["conversations"]) == (False, [])
    assert joined["session_token"] != over
    if end is not _reset:  # which a second reset may follow
        assert show(site, "POST", "/reset", over, "header").json()["identified"] is False


@pytest.mark.rule("S2", "C5")
def test_user_switch_hands_over_no_earlier_data(site: Site, victim: Victim) -> None:
    before = victim.data()
    browser = victim.browser
    browser.identify(email=f"{site.target.name('next')}@example.com", name="Next")
    assert browser.conversations() == set()
    assert browser.get(f"/conversations/{victim.conversation}/messages").status_code == 404
    assert victim.data() == before


@pytest.mark.rule("S2")
def test_logout_everywhere_ends_only_that_contacts_sessions(site: Site, victim: Victim) -> None:
    beside, bystander = site.beside(), site.victim()
    others = [site.browser(), beside.browser()]
    for each in others:
        assert each.prove(victim.external_id).json()["contact_id"] == victim.id
    assert site.api("DELETE", f"/contacts/{victim.id}/sessions").status_code == 200
    assert {each.get("/me").status_code for each in (*others, victim.browser)} == {401}
    assert bystander.browser.get("/me").status_code == 200


@pytest.mark.rule("S1")
@pytest.mark.parametrize(
    "shown",
    [
        lambda victim, visitor: visitor,
        lambda victim, visitor: visitor.replace("vis_", "hvs_"),
        lambda victim, visitor: victim.id,
        lambda victim, visitor: victim.conversation,
        lambda victim, visitor: victim.external_id,
        lambda victim, visitor: secret_digest(victim.browser.token),
        lambda victim, visitor: "hvs_" + secret_digest(victim.browser.token),
        lambda victim, visitor: victim.browser.token[:-1],
        lambda victim, visitor: victim.browser.token.upper(),
        lambda victim, visitor: victim.browser.token + "0",
        lambda victim, visitor: victim.site.app_key,
    ],
    ids=[
        "visitor id",
        "visitor id in the form of a token",
        "contact id",
        "conversation id",
        "external id",
        "digest",
        "digest in the form of a token",
        "all but the last digit",
        "upper case",
        "a digit more",
        "app key",
    ],
)
def test_public_ids_open_no_session(bystander: Victim, shown: Callable[[Victim, str], str]) -> None:
    victim, site = bystander, bystander.site
    token = shown(victim, victim.browser.me()["visitor_id"])
    for where in PLACES:
        assert show(site, "POST", "/conversations", token, where, text="hello").status_code == 401
    assert show(site, "GET", "/me", token, "header").status_code == 401


@pytest.mark.rule("S1")
def test_session_token_in_url_is_ignored(site: Site, victim: Victim) -> None:
    token = victim.browser.token
    for name in ("session_token", "token", "hullo_session", "authorization", "access_token"):
        for path in ("/me", "/conversations", f"/conversations/{victim.conversation}/messages"):
            answer = site.target.call("GET", f"{V1}{path}?{name}={token}&app_key={site.app_key}")
            assert (answer.status_code, answer.json()["code"]) == (401, "session_required")


@pytest.mark.rule("S1")
@pytest.mark.parametrize("scheme", ["Basic {}", "Token {}", "{}", "Bearer", "Bearer,{}", "Bearer\t{}", "Digest {}"])
def test_session_token_under_another_scheme_is_refused(bystander: Victim, scheme: str) -> None:
    victim, site = bystander, bystander.site
    headers = [("authorization", scheme.format(victim.browser.token)), ("x-hullo-app", site.app_key)]
    assert site.target.call("GET", f"{V1}/me", headers=headers).status_code == 401


@pytest.mark.rule("S1")
@pytest.mark.parametrize("other", [["x"], {"a": 1}, 7, True, False, ["hvs_x"]])
def test_session_token_of_wrong_type_is_refused(site: Site, other: object) -> None:
    answer = site.browser().identify(session_token=other, email=f"{site.target.name('x')}@example.com")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_revoked")


@pytest.mark.rule("S1")
def test_unknown_ended_and_foreign_sessions_look_alike(site: Site, victim: Victim) -> None:
    foreign, ended = site.elsewhere().victim().browser.token, _reset(victim)
    answers: list[Any] = []
    for token in (PLANTED, ended, foreign):
        browser = site.browser()
        browser.token = token
        answers.append(seen(browser.get("/me")))
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.rule("S1", "H1")
def test_erased_contact_leaves_its_session_unproven(site: Site, victim: Victim) -> None:
    site.api("DELETE", f"/contacts/{victim.id}?conversations=anonymise")
    assert victim.browser.get(f"/conversations/{victim.conversation}/messages").status_code in {200, 401, 404}
    later = Browser(site)
    later.prove(victim.external_id)
    assert later.conversations() == set()
    assert victim.browser.get("/me").json().get("standing") != "proven"
