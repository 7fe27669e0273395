"""Ids, cursors and keys that are somebody else's: whatever is behind them, the answer is that there is nothing."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from attack.serving import seen
from attack.site import SECRET, V1, Browser, Site, Victim
from hullo.model.app import Scope

NOBODYS = "01m80a3k0gk2v0z3c5p7dq9xyw"
"""The second half of an id in the right form, which nothing has."""


def alike(answers: list[httpx2.Response], status: int = 404) -> None:
    """All say the same, and nothing of what exists."""
    assert {answer.status_code for answer in answers} == {status}
    assert len({str(seen(answer)) for answer in answers}) == 1
    assert SECRET not in answers[0].text


@pytest.mark.rule("H1")
def test_foreign_conversation_looks_like_a_missing_one(site: Site, victim: Victim) -> None:
    attackers = [site.browser(), site.beside().browser(), site.elsewhere().browser(), site.browser()]
    for attacker in attackers:
        attacker.join()
    attackers[-1].prove(site.target.name("mallory"))  # who is proven, and somebody else
    for attacker in attackers:
        paths = [f"/conversations/{each}/messages" for each in (victim.conversation, f"cnv_{NOBODYS}", victim.id, "x")]
        alike([attacker.get(path) for path in paths])
        alike([attacker.post(path, {"text": "hello"}) for path in paths])
        alike([attacker.post(path, {"text": "hello", "client_id": "a"}) for path in paths])
        assert attacker.conversations() == set()
    assert len(victim.data()[1]["items"]) == 1


@pytest.mark.rule("H1")
def test_proven_visitor_sees_no_other_sites_messages(site: Site, victim: Victim) -> None:
    beside = site.beside().browser()
    assert beside.prove(victim.external_id).json()["contact_id"] == victim.id
    assert beside.conversations() == set()
    assert beside.get(f"/conversations/{victim.conversation}/messages").status_code == 404


@pytest.mark.rule("H1")
def test_impostor_messages_stay_hidden_from_claimed_contact(site: Site, victim: Victim) -> None:
    """Otherwise a stranger could put words in front of them."""
    impostor = site.browser()
    impostor.identify(email=victim.email)
    said = impostor.say("Your account is blocked, call +1 900 EVIL")
    earlier = site.browser()
    planted = earlier.say("Your account is blocked, call +1 900 EVIL")
    earlier.identify(email=victim.email)
    assert victim.sees() == {victim.conversation}
    for each in (said, planted):
        assert victim.browser.get(f"/conversations/{each}/messages").status_code == 404


@pytest.mark.rule("H1")
def test_repeated_foreign_client_id_returns_no_message(site: Site) -> None:
    victim, attacker = site.browser(), site.browser()
    for each in (victim, attacker):
        each.join()
    first = victim.post("/conversations", {"text": SECRET, "client_id": "one"}).json()
    second = attacker.post("/conversations", {"text": "mine", "client_id": "one"})
    assert second.json()["id"] != first["id"]
    assert SECRET not in second.text


OTHER_WORKSPACE: dict[str, tuple[str, Any]] = {
    "read": ("GET /contacts/{}", None),
    "read with its provenance": ("GET /contacts/{}?provenance=1", None),
    "change": ("PATCH /contacts/{}", {"name": "Mallory"}),
    "clear": ("PATCH /contacts/{}", {"email": None, "external_id": None}),
    "erase": ("DELETE /contacts/{}", None),
    "decisions": ("GET /contacts/{}/decisions", None),
    "sessions": ("GET /contacts/{}/sessions", None),
    "log out": ("DELETE /contacts/{}/sessions", None),
    "timeline": ("GET /contacts/{}/timeline", None),
    "report": ("POST /contacts/{}/events", {"name": "x"}),
    "tags": ("GET /contacts/{}/tags", None),
    "tag": ("POST /contacts/{}/tags", {"tags": ["x"]}),
    "untag": ("DELETE /contacts/{}/tags/x", None),
    "notes": ("GET /contacts/{}/notes", None),
    "note": ("POST /contacts/{}/notes", {"text": "x"}),
    "merges": ("GET /contacts/{}/merges", None),
    "merge": ("POST /contacts/{}/merge", {"absorb": f"con_{NOBODYS}"}),
    "tags of a conversation": ("GET /conversations/{}/tags", None),
    "tag a conversation": ("POST /conversations/{}/tags", {"tags": ["x"]}),
    "untag a conversation": ("DELETE /conversations/{}/tags/x", None),
    "notes of a conversation": ("GET /conversations/{}/notes", None),
    "note a conversation": ("POST /conversations/{}/notes", {"text": "x"}),
    "messages": ("GET /conversations/{}/messages", None),
    "answer": ("POST /conversations/{}/messages", {"text": "I am an agent, tell me your password"}),
}


@pytest.mark.parametrize(("call", "body"), OTHER_WORKSPACE.values(), ids=OTHER_WORKSPACE.keys())
def test_foreign_api_key_cannot_probe_existing_ids(bystander: Victim, call: str, body: Any) -> None:
    victim, site = bystander, bystander.site
    before = victim.data()
    method, _, path = call.partition(" ")
    kind, existing = ("cnv", victim.conversation) if "conversations/" in path else ("con", victim.id)
    thief = site.elsewhere().api_key
    alike([site.api(method, path.format(each), body, key=thief) for each in (existing, f"{kind}_{NOBODYS}")])
    assert victim.data() == before
    assert victim.sees() == {victim.conversation}


def test_foreign_api_key_reads_and_writes_nothing(site: Site, victim: Victim) -> None:
    before = victim.data()
    elsewhere = site.elsewhere()
    for query in ({"email": victim.email}, {"external_id": victim.external_id}, {"query": "Victoria"}, {}):
        answer = site.target.call(
            "GET",
            f"{V1}/contacts?{httpx2.QueryParams(query)}",
            headers=[("authorization", f"Bearer {elsewhere.api_key}")],
        )
        assert answer.json()["items"] == []
    assert elsewhere.api("GET", "/conversations").json()["items"] == []
    assert elsewhere.api("GET", "/conflicts").json()["items"] == []
    same_names = {"external_id": victim.external_id, "email": victim.email, "name": "Mallory"}
    assert elsewhere.api("POST", "/contacts", same_names).json()["id"] != victim.id
    for named in ({"app_id": site.app_key}, {"app_key": site.app_key}, {"custom_data": {site.app_key: {"plan": "x"}}}):
        answer = elsewhere.api("POST", "/contacts", {**same_names, **named})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_app")
    assert victim.data() == before


CALLS: dict[str, tuple[str, Any, Scope]] = {
    "list contacts": ("GET /contacts", None, Scope.READ),
    "read a contact": ("GET /contacts/{contact}", None, Scope.READ),
    "write a contact": ("POST /contacts", {"external_id": "x"}, Scope.WRITE),
    "change a contact": ("PATCH /contacts/{contact}", {"name": "x"}, Scope.WRITE),
    "erase a contact": ("DELETE /contacts/{contact}", None, Scope.ERASE),
    "read decisions": ("GET /contacts/{contact}/decisions", None, Scope.READ),
    "read sessions": ("GET /contacts/{contact}/sessions", None, Scope.READ),
    "log out": ("DELETE /contacts/{contact}/sessions", None, Scope.WRITE),
    "read the timeline": ("GET /contacts/{contact}/timeline", None, Scope.READ),
    "report an event": ("POST /contacts/{contact}/events", {"name": "x"}, Scope.WRITE),
    "tag": ("POST /contacts/{contact}/tags", {"tags": ["x"]}, Scope.WRITE),
    "untag": ("DELETE /contacts/{contact}/tags/x", None, Scope.WRITE),
    "read notes": ("GET /contacts/{contact}/notes", None, Scope.READ),
    "note": ("POST /contacts/{contact}/notes", {"text": "x"}, Scope.WRITE),
    "read notes of a conversation": ("GET /conversations/{conversation}/notes", None, Scope.READ),
    "note a conversation": ("POST /conversations/{conversation}/notes", {"text": "x"}, Scope.WRITE),
    "tag a conversation": ("POST /conversations/{conversation}/tags", {"tags": ["x"]}, Scope.WRITE),
    "remove a note": ("DELETE /notes/note_1", None, Scope.WRITE),
    "read merges": ("GET /contacts/{contact}/merges", None, Scope.READ),
    "merge": ("POST /contacts/{contact}/merge", {"absorb": "con_1"}, Scope.WRITE),
    "undo a merge": ("POST /merges/mrg_1/undo", {}, Scope.WRITE),
    "list conflicts": ("GET /conflicts", None, Scope.READ),
    "resolve a conflict": ("POST /conflicts/cfl_1/resolve", {"action": "keep"}, Scope.WRITE),
    "look at an app": ("GET /apps/{app}", None, Scope.READ),
    "try an identify out": ("POST /apps/{app}/check", {"external_id": "x"}, Scope.READ),
    "list conversations": ("GET /conversations", None, Scope.READ),
    "read messages": ("GET /conversations/{conversation}/messages", None, Scope.READ),
    "answer": ("POST /conversations/{conversation}/messages", {"text": "x"}, Scope.WRITE),
}


@pytest.mark.parametrize(("call", "body", "scope"), CALLS.values(), ids=CALLS.keys())
def test_api_key_is_limited_to_its_scopes(bystander: Victim, call: str, body: Any, scope: Scope) -> None:
    victim, site = bystander, bystander.site
    before = victim.data()
    method, _, path = call.partition(" ")
    path = path.format(contact=victim.id, conversation=victim.conversation, app=site.app_key)
    others = site.new_api_key(*(each for each in Scope if each is not scope))
    answer = site.api(method, path, body, key=others)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    missing = site.api(method, path.replace(victim.id, f"con_{NOBODYS}"), body, key=others)
    assert (missing.status_code, missing.json()["code"]) == (403, "forbidden")
    assert victim.data() == before


@pytest.mark.parametrize(("call", "body", "scope"), CALLS.values(), ids=CALLS.keys())
def test_server_api_requires_a_valid_key(bystander: Victim, call: str, body: Any, scope: Scope) -> None:
    victim, site = bystander, bystander.site
    before = victim.data()
    method, _, path = call.partition(" ")
    path = V1 + path.format(contact=victim.id, conversation=victim.conversation, app=site.app_key)
    revoked = site.target.hullo.create_api_key(workspace=site.workspace)
    site.target.hullo.register.revoke_api_key(revoked.key.id)
    right = site.api_key
    wrong = [revoked.secret, "hsk_" + "0" * 64, "hsk_", right[:-1], right.upper(), right + "0", revoked.key.id]
    for key in wrong:
        headers = [("authorization", f"Bearer {key}")]
        answer = site.target.call(method, path, json=body, headers=headers)
        assert answer.status_code == 401, key
        assert SECRET not in answer.text
    in_wrong_places: list[tuple[str, Any, list[tuple[str, str]]]] = [
        (f"{path}?api_key={right}&key={right}&authorization=Bearer%20{right}", body, []),
        (path, body, [("x-api-key", right)]),
        (path, body, [("cookie", f"hullo_session={right}; api_key={right}")]),
        (path, body, [("authorization", "Basic " + base64.b64encode(f"{right}:".encode()).decode())]),
        (path, {**(body or {}), "session_token": right, "api_key": right} if method != "GET" else None, []),
    ]
    for where, said, headers in in_wrong_places:
        # 422: a body for visitors has no such field.
        assert site.target.call(method, where, json=said, headers=headers).status_code in {401, 422}
    assert victim.data() == before


def test_session_token_and_api_key_never_interchange(site: Site, victim: Victim) -> None:
    for path in ("/contacts", f"/contacts/{victim.id}", "/conflicts", f"/contacts/{victim.id}/sessions"):
        assert victim.browser.get(path).json()["code"] == "key_required"
    browser = Browser(site)
    browser.token = site.api_key
    for path in ("/me", "/identity-token"):
        answer = browser.get(path) if path == "/me" else browser.post(path)
        assert answer.json()["code"] == "session_required"


@pytest.mark.parametrize(
    "what", ["read", "list", "write", "write without saying", "patch", "conversations", "messages", "answer"]
)
def test_api_key_cannot_reach_a_neighbouring_app(site: Site, victim: Victim, what: str) -> None:
    """The person is the workspace's; the app's custom data and conversations are the app's."""
    beside = site.beside()
    key = site.new_api_key(app_key=beside.app_key)
    before = victim.data()
    if what == "read":
        assert site.api("GET", f"/contacts/{victim.id}?provenance=1", key=key).json()["custom_data"] == {}
        assert "plan" not in site.api("GET", f"/contacts/{victim.id}?provenance=1", key=key).text
    elif what == "list":
        assert [each["custom_data"] for each in site.api("GET", "/contacts", key=key).json()["items"]] == [{}]
    elif what == "write":
        for named in (
            {"app_id": site.app_key, "custom_data": {"plan": "x"}},
            {"custom_data": {site.app_key: {"plan": "x"}}},
        ):
            answer = site.api("POST", "/contacts", {"external_id": victim.external_id, **named}, key=key)
            assert answer.json()["code"] == "forbidden"
    elif what == "write without saying":
        site.api("POST", "/contacts", {"external_id": victim.external_id, "custom_data": {"plan": "x"}}, key=key)
        assert site.contact(victim.id)["custom_data"][site.app_key] == before[0]["custom_data"][site.app_key]
        return
    elif what == "patch":
        answer = site.api("PATCH", f"/contacts/{victim.id}", {"custom_data": {site.app_key: {"plan": "x"}}}, key=key)
        assert answer.json()["code"] == "forbidden"
    elif what == "conversations":
        assert site.api("GET", "/conversations", key=key).json()["items"] == []
    else:
        method, said = ("GET", None) if what == "messages" else ("POST", {"text": "x", "client_id": "x"})
        paths = [f"/conversations/{each}/messages" for each in (victim.conversation, f"cnv_{NOBODYS}")]
        alike([site.api(method, path, said, key=key) for path in paths])
    assert victim.data() == before


def _cursors(site: Site, key: str, path: str) -> str:
    """The cursor behind the first of two."""
    cursor = site.api("GET", f"{path}?limit=1", key=key).json()["next"]
    assert cursor
    return str(cursor)


@pytest.mark.rule("H1")
def test_foreign_cursor_shows_no_foreign_items(site: Site, victim: Victim) -> None:
    victim.browser.say(SECRET)
    site.victim()
    mine = victim.browser.get("/conversations?limit=1").json()["next"]
    assert mine
    cursors = [mine, _cursors(site, site.api_key, "/conversations"), _cursors(site, site.api_key, "/contacts")]
    attacker, elsewhere = site.browser(), site.elsewhere()
    own = attacker.say("mine")
    elsewhere.victim()
    for cursor in cursors:
        for answer in (
            attacker.get(f"/conversations?cursor={quote(cursor)}"),
            attacker.get(f"/conversations/{own}/messages?cursor={quote(cursor)}"),
            elsewhere.api("GET", f"/contacts?cursor={quote(cursor)}"),
            elsewhere.api("GET", f"/conversations?cursor={quote(cursor)}"),
        ):
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


CURSORS = (
    *("", "0", "-1", "x", "' OR 1=1 --", "0,0", "99999999999999999999", "null", "%00", "%ff", "../..", "con_", "{}"),
    *("a" * 2000, "[]", "%F0%9F%94%91", "1 UNION SELECT secret FROM identity_key", base64.b64encode(b"0").decode()),
)


@pytest.mark.parametrize("cursor", CURSORS, ids=lambda each: each[:20])
def test_forged_cursor_shows_only_own_items(bystander: Victim, cursor: str) -> None:
    victim, site = bystander, bystander.site
    attacker, elsewhere = site.browser(), site.elsewhere()
    own = attacker.say("mine")
    sent = cursor if cursor.startswith("%") else quote(cursor)
    answers = [
        attacker.get(f"/conversations?cursor={sent}"),
        attacker.get(f"/conversations/{own}/messages?cursor={sent}"),
        *(elsewhere.api("GET", f"{path}?cursor={sent}") for path in ("/contacts", "/conversations", "/conflicts")),
    ]
    for answer in answers:
        assert answer.status_code in {200, 422}
        for secret in (victim.id, victim.conversation, victim.email, SECRET):
            assert secret not in answer.text


@pytest.mark.parametrize(
    "limit", ["0", "-1", "201", "1e9", "x", "%D9%A1", "999999999999", "1.5", "+1", "0x1", "%00", " 1"]
)
def test_invalid_page_limit_is_refused(bystander: Victim, limit: str) -> None:
    victim, site = bystander, bystander.site
    answers = [
        victim.browser.get(f"/conversations?limit={limit}"),
        site.api("GET", f"/contacts?limit={limit}"),
        site.api("GET", f"/conversations?limit={limit}"),
    ]
    assert {answer.status_code for answer in answers} == {422}


@pytest.mark.parametrize(
    "text",
    ["x" * 65, "con_" + "x" * 5000, "%00", "a%00b", "%F0%9F%94%91", "con-1", "a.b", "%27", "%2e%2e", "%0a", "con_1%20"],
)
def test_malformed_id_is_not_found(bystander: Victim, text: str) -> None:
    """Nothing of it reaches a database that might take it for something."""
    site = bystander.site
    attacker = site.browser()
    attacker.join()
    answers = [
        attacker.get(f"/conversations/{text}/messages"),
        attacker.post(f"/conversations/{text}/messages", {"text": "x"}),
        site.api("GET", f"/contacts/{text}"),
        site.api("DELETE", f"/contacts/{text}"),
        site.api("DELETE", f"/contacts/{text}/sessions"),
        site.api("GET", f"/conversations/{text}/messages"),
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_excess_or_repeated_parameters_leak_nothing(site: Site, victim: Victim) -> None:
    many = "&".join(f"a{number}=1" for number in range(60))
    assert site.api("GET", f"/contacts?{many}").status_code == 422
    own = site.elsewhere()
    answer = own.api("GET", f"/contacts?email=x@example.com&email={victim.email}&limit=1&limit=200")
    assert {fault["field"] for fault in answer.json()["errors"]} == {"email", "limit"}
