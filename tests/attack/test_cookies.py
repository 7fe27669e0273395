"""The session as a cookie: sent along by browsers for whatever page asks, and so believed for this host's own alone."""

from __future__ import annotations

import json

import pytest

from attack.serving import Headers
from attack.site import V1, Site, Victim
from cli.serving import Reply

FOREIGN = {
    "another site": "https://evil.test",
    "null": "null",
    "empty": "",
    "another port": "http://127.0.0.1:1",
    "no port": "http://127.0.0.1",
    "as a user": "http://HOST@evil.test",
    "with a user": "http://evil.test@HOST",
    "as a sub-domain": "http://HOST.evil.test",
    "as a path": "http://evil.test/HOST",
    "with a path": "http://HOST/",
    "another scheme": "ftp://HOST",
    "no scheme": "HOST",
    "another name of the same address": "http://localhost:PORT",
    "two": "http://HOST http://evil.test",
    "another first": "http://evil.test, http://HOST",
}


def spelt(site: Site, pattern: str) -> str:
    host = site.target.host
    return pattern.replace("HOST", host).replace("PORT", host.rpartition(":")[2])


def with_cookie(victim: Victim, *headers: tuple[str, str]) -> Headers:
    return [("cookie", f"hullo_session={victim.browser.token}"), ("x-hullo-app", victim.site.app_key), *headers]


@pytest.mark.rule("S1", "S2")
@pytest.mark.parametrize("pattern", FOREIGN.values(), ids=FOREIGN.keys())
def test_cookie_from_foreign_page_has_no_effect(bystander: Victim, pattern: str) -> None:
    victim, site = bystander, bystander.site
    before = victim.data()
    sent = with_cookie(victim, ("origin", spelt(site, pattern)))
    said = {"app_key": site.app_key}
    refused = [
        site.target.call("GET", f"{V1}/me", headers=sent),
        site.target.call("GET", f"{V1}/conversations", headers=sent),
        site.target.call("POST", f"{V1}/conversations", json={**said, "text": "I was made to say this"}, headers=sent),
        site.target.call("POST", f"{V1}/identity-token", json=said, headers=sent),
    ]
    assert {answer.status_code for answer in refused} <= {401, 403}
    for path, fields in (("/join", {}), ("/reset", {}), ("/identify", {"email": "mallory@evil.test"})):
        answer = site.target.call("POST", V1 + path, json={**said, **fields}, headers=sent)
        assert answer.status_code == 403 or answer.json()["visitor_id"] != victim.browser.me()["visitor_id"]
        assert "set-cookie" not in answer.headers
    assert victim.sees() == {victim.conversation}
    assert victim.data() == before


@pytest.mark.rule("S1")
@pytest.mark.parametrize("path", ["/join", "/identify", "/reset", "/conversations", "/identity-token"])
def test_cookie_without_origin_changes_nothing(site: Site, victim: Victim, path: str) -> None:
    """A form, an older browser, or a tool: a call that changes something names the origin of its page."""
    fields = {"/identify": {"external_id": victim.external_id}, "/conversations": {"text": "hello"}}
    said = {"app_key": site.app_key, **fields.get(path, {})}
    for sent in (with_cookie(victim), with_cookie(victim, ("sec-fetch-site", "same-origin"))):
        answer = site.target.call("POST", V1 + path, json=said, headers=sent)
        assert answer.status_code == 401 or answer.json()["visitor_id"] != victim.browser.me()["visitor_id"]
        assert answer.json().get("standing") != "proven"
    assert victim.sees() == {victim.conversation}


@pytest.mark.rule("S1", "H1")
@pytest.mark.parametrize("fetched", ["cross-site", "same-site", "CROSS-SITE", "", "x"])
def test_cookie_reads_nothing_for_hidden_foreign_origin(bystander: Victim, fetched: str) -> None:
    victim, site = bystander, bystander.site
    for path in ("/me", "/conversations", f"/conversations/{victim.conversation}/messages"):
        answer = site.target.call("GET", V1 + path, headers=with_cookie(victim, ("sec-fetch-site", fetched)))
        assert (answer.status_code, answer.json()["code"]) == (401, "session_required")


@pytest.mark.rule("S1")
def test_cookie_is_refused_from_listed_other_host(site: Site, victim: Victim) -> None:
    """The app lists the page, and yet its scripts bring their own token."""
    partner = f"https://{site.target.name('partner')}.example"
    site.set(origins=f"{partner},{site.target.url}")
    sent = with_cookie(victim, ("origin", partner))
    joined = site.target.call("POST", f"{V1}/join", json={"app_key": site.app_key}, headers=sent)
    assert joined.json()["identified"] is False
    assert "set-cookie" not in joined.headers
    assert site.target.call("GET", f"{V1}/conversations", headers=sent).json()["code"] == "session_required"
    assert site.target.call("POST", f"{V1}/reset", json={"app_key": site.app_key}, headers=sent).status_code == 200
    assert victim.sees() == {victim.conversation}


@pytest.mark.rule("S1")
def test_foreign_page_cannot_pose_as_own_origin(bystander: Victim) -> None:
    """hullo's own origin is allowed without a list, and no header of the page says which one that is."""
    victim, site = bystander, bystander.site
    posed = [("x-forwarded-host", "evil.test"), ("x-forwarded-proto", "https"), ("forwarded", "host=evil.test")]
    sent = with_cookie(victim, ("origin", "https://evil.test"), *posed)
    for path, refused in (("/join", "bad_origin"), ("/reset", "bad_origin"), ("/identity-token", "session_required")):
        answer = site.target.call("POST", V1 + path, json={"app_key": site.app_key}, headers=sent)
        assert answer.json()["code"] == refused
    assert victim.sees() == {victim.conversation}


@pytest.mark.rule("S1")
def test_cookie_is_refused_under_rebound_host_name(site: Site, victim: Victim) -> None:
    """A page of a name that points here too (DNS rebinding) is of this host, and has no cookie of another's."""
    sent = [("Host", "evil.test"), ("Origin", site.target.url), *with_cookie(victim)]
    answer = site.target.answer_to(f"GET {V1}/me HTTP/1.1", headers=sent)
    assert answer.status == 401


PLAIN, OF_THE_HOST = "hullo_session", "__Host-hullo_session"


def call_from(site: Site, path: str, host: str, *cookies: tuple[str, str | None], **fields: object) -> Reply:
    """A page of that host, which leads here, calls with these cookies."""
    body = json.dumps({"app_key": site.app_key, **fields}).encode()
    kept = "; ".join(f"{name}={token}" for name, token in cookies)
    sent = [("Host", host), ("Origin", f"http://{host}"), ("Cookie", kept)]
    return site.target.answer_to(f"POST {V1}{path} HTTP/1.1", body, headers=sent)


@pytest.mark.rule("S1")
def test_cookie_page_never_sees_the_token(site: Site, victim: Victim) -> None:
    """So a script that was injected into it cannot carry the session away."""
    old = victim.browser.token
    answer = call_from(site, "/reset", site.target.host, (PLAIN, old))
    assert answer.status == 200
    assert answer.json["session_token"] is None
    assert b"hvs_" not in answer.body
    kept = answer.headers["set-cookie"]
    assert kept.startswith("hullo_session=hvs_")
    assert str(old) not in kept
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(kept.split("; "))
    assert "Domain" not in kept


@pytest.mark.rule("S1")
@pytest.mark.parametrize("host", ["shop.example", "localhost.evil.test", "127.0.0.1.evil.test", "evil.test:80"])
def test_public_host_cookie_is_secure_and_bound(site: Site, victim: Victim, host: str) -> None:
    site.set(origins=f"http://{host}")
    kept = call_from(site, "/reset", host, (OF_THE_HOST, victim.browser.token)).headers["set-cookie"]
    assert kept.startswith("__Host-hullo_session=")
    assert "Secure" in kept.split("; ")


@pytest.mark.rule("S1")
@pytest.mark.parametrize("host", ["a\tb", 'a"b', "a;b", "a, b", "", "a/b", "a@b", "\xff", "[::1", "x" * 5000])
def test_invalid_host_injects_nothing_into_cookie(site: Site, victim: Victim, host: str) -> None:
    answer = call_from(site, "/reset", host, (OF_THE_HOST, victim.browser.token), (PLAIN, victim.browser.token))
    assert answer.status in {0, 200, 400, 403}
    assert host == "" or len(host) < 3 or host not in answer.headers.get("set-cookie", "")


@pytest.mark.rule("S1")
@pytest.mark.parametrize("host", ["shop.example", "SHOP.example", "shop.example:8443"])
def test_cookie_planted_by_subdomain_is_not_proven(site: Site, host: str) -> None:
    """The attacker's own session: were it taken, the attacker would share what the victim makes of it."""
    site.set(origins=f"http://{host.lower()}")
    attacker, person = site.browser(), site.target.name("victim")
    attacker.join()
    signed = {"external_id": person, "user_hash": site.hash(person)}
    for cookies in ([(PLAIN, attacker.token)], [(PLAIN, attacker.token), (OF_THE_HOST, "x")]):
        assert call_from(site, "/identify", host, *cookies, **signed).json["standing"] == "proven"
        joined = call_from(site, "/join", host, *cookies).json
        assert joined["visitor_id"] != attacker.me()["visitor_id"]
    assert attacker.me()["identified"] is False
