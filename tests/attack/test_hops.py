"""Identity tokens (T): stolen, replayed, carried where they do not belong, planted, and altered."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

import pytest

from attack.jose import b64, hop_secret, hs256, in_order
from attack.serving import Target, at_once
from attack.site import SECRET, V1, Browser, Site, Victim
from cli.serving import Reply
from hullo.model.request_context import secret_digest

PARAMETER = "hullo_identity"


def arrive(target: Target, address: str, *, cookie: str | None = None, method: str = "GET") -> Reply:
    """A browser follows a link to this address, which need not be one that a client would make."""
    headers = [("Cookie", f"hullo_session={cookie}")] if cookie is not None else []
    return target.answer_to(f"{method} {address} HTTP/1.1", headers=headers)


def cookie_of(answer: Reply) -> str | None:
    """The session token that the browser is given."""
    name, _, rest = answer.headers.get("set-cookie", "").partition("=")
    return rest.partition(";")[0] if name == "hullo_session" else None


def with_token(site: Site, token: str | None) -> Browser:
    browser = site.browser()
    browser.token = token
    return browser


@pytest.mark.rule("T1")
def test_redeemed_token_is_refused_to_others(site: Site, victim: Victim) -> None:
    """Stolen from a referrer, a log or a history, in whichever way it is shown."""
    token = victim.browser.hop()
    assert site.browser().identify(identity_token=token).json()["standing"] == "proven"
    thief = site.browser()
    assert thief.identify(identity_token=token).json()["code"] == "proof_rejected"
    assert thief.identify(identity_token=token, external_id=victim.external_id).json()["code"] == "proof_rejected"
    assert cookie_of(arrive(site.target, f"/?{PARAMETER}={token}")) is None
    assert thief.token is None


@pytest.mark.rule("T1", "T3")
def test_page_redeemed_token_is_refused_to_others(site: Site, victim: Victim) -> None:
    token = victim.browser.hop()
    arrived = arrive(site.target, f"/?{PARAMETER}={token}")
    assert with_token(site, cookie_of(arrived)).me()["standing"] == "proven"
    assert cookie_of(arrive(site.target, f"/?{PARAMETER}={token}")) is None
    assert site.browser().identify(identity_token=token).json()["code"] == "proof_rejected"


@pytest.mark.rule("T1", "R1")
def test_token_redeemed_in_parallel_works_once(site: Site, victim: Victim) -> None:
    token = victim.browser.hop()
    statuses = at_once(lambda: site.browser().identify(identity_token=token).status_code)
    assert sorted(statuses) == [200] + [401] * (len(statuses) - 1)


@pytest.mark.rule("T1", "T3", "R1")
def test_token_in_parallel_arrivals_works_once(site: Site, victim: Victim) -> None:
    token = victim.browser.hop()
    cookies = at_once(lambda: cookie_of(arrive(site.target, f"/?{PARAMETER}={token}")))
    assert len([cookie for cookie in cookies if cookie is not None]) == 1


@pytest.mark.rule("T1", "T5")
def test_token_works_only_in_its_app(site: Site, victim: Victim) -> None:
    beside, third, elsewhere = site.beside(), site.beside(), site.elsewhere()
    token = victim.browser.hop(beside)
    for other in (site, third, elsewhere):
        assert other.browser().identify(identity_token=token).json()["code"] == "proof_rejected"
    header, payload, signature = token.split(".")
    claims = json.loads(urlsafe(payload))
    for other in (site, third, elsewhere):
        moved = ".".join([header, b64(json.dumps({**claims, "aud": other.app_key}).encode()), signature])
        assert other.browser().identify(identity_token=moved).json()["code"] == "proof_rejected"
    assert beside.browser().identify(identity_token=token).json()["standing"] == "proven"


def urlsafe(part: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.rule("T1")
def test_foreign_app_token_refused_like_unknown_app(site: Site, victim: Victim) -> None:
    theirs = victim.browser.post("/identity-token", {"audience": site.elsewhere().app_key})
    nobodys = victim.browser.post("/identity-token", {"audience": "app_01m80a3k0gk2v0z3c5p7dq9xyw"})
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert theirs.json()["code"] == "unknown_app"


@pytest.mark.rule("T1")
@pytest.mark.parametrize("audience", [["app"], {"a": 1}, 7, True, "x" * 5000, "' OR 1=1 --", "\N{SNOWMAN}"])
def test_invalid_audience_gets_no_token(bystander: Victim, audience: object) -> None:
    assert bystander.browser.post("/identity-token", {"audience": audience}).status_code in {404, 422}


def _reset(victim: Victim) -> None:
    victim.browser.post("/reset")


def _somebody_else(victim: Victim) -> None:
    assert victim.browser.prove(victim.site.target.name("other")).json()["switched"]


def _erased(victim: Victim) -> None:
    assert victim.site.api("DELETE", f"/contacts/{victim.id}").status_code == 200


def _logged_out_everywhere(victim: Victim) -> None:
    assert victim.site.api("DELETE", f"/contacts/{victim.id}/sessions").status_code == 200


def _key_retired(victim: Victim) -> None:
    site = victim.site
    site.target.hullo.register.add_identity_key(site.app_key)
    site.target.hullo.register.retire_identity_key(site.app_key, site.made.identity_key_id)


ENDINGS = (_reset, _somebody_else, _erased, _logged_out_everywhere, _key_retired)


@pytest.mark.rule("T1", "T5", "S2")
@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__.strip("_"))
def test_token_ends_with_its_source_session(site: Site, victim: Victim, end: Callable[[Victim], None]) -> None:
    tokens = [victim.browser.hop() for _ in range(2)]
    end(victim)
    assert site.browser().identify(identity_token=tokens[0]).json()["code"] == "proof_rejected"
    arrived = arrive(site.target, f"/?{PARAMETER}={tokens[1]}")
    assert (arrived.status, cookie_of(arrived)) == (303, None)


@pytest.mark.rule("T1")
def test_anonymous_visitor_gets_no_token(site: Site) -> None:
    visitor = site.browser()
    visitor.join()
    assert visitor.post("/identity-token").json()["code"] == "conflict"
    assert site.browser().post("/identity-token").json()["code"] == "session_required"


@pytest.mark.rule("T1", "H1")
def test_claim_stays_a_claim_after_hop(site: Site, victim: Victim) -> None:
    before = victim.data()
    attacker = site.browser()
    attacker.identify(email=victim.email)
    beside = site.beside()
    for _ in range(2):
        landed = beside.browser()
        answer = landed.identify(identity_token=attacker.hop(beside), name="Mallory")
        assert answer.json()["standing"] == "claimed"
        assert victim.id not in answer.text
        assert landed.conversations() == set()
        attacker = landed  # and back again, which proves no more
        beside = site if beside is not site else beside
    assert victim.conversation not in landed.conversations()
    assert victim.data() == before


@pytest.mark.rule("T1")
def test_token_never_exceeds_its_session(site: Site, victim: Victim) -> None:
    """Even one that whoever holds the identity key has made up."""
    attacker = site.browser()
    attacker.identify(email=victim.email)
    assert attacker.token is not None
    landed = site.browser()
    assert landed.identify(identity_token=site.hop_token(attacker.token)).json()["standing"] == "claimed"
    assert landed.conversations() == set()


@pytest.mark.rule("T1", "T5")
def test_expired_or_overlong_token_is_refused(site: Site, victim: Victim) -> None:
    session = victim.browser.token or ""
    assert site.browser().identify(identity_token=site.hop_token(session)).json()["standing"] == "proven"
    late = [site.hop_token(session, age=age) for age in (300 + 5, 3600, 10**8)]
    late.append(site.hop_token(session, life=3600))
    for token in late:
        assert site.browser().identify(identity_token=token).json()["code"] == "proof_rejected"
        assert cookie_of(arrive(site.target, f"/?{PARAMETER}={token}")) is None


@pytest.mark.rule("T1", "V1")
@pytest.mark.parametrize("signed", ["hullo hop token", "hullo-hop-token", "hop", "hullo-hop", "token", ""])
def test_hop_secret_differs_from_any_signed_hash(bystander: Victim, signed: str) -> None:
    """A person may choose what they are called, and a hash over that is shown to them."""
    site, session = bystander.site, bystander.browser.token or ""
    secrets = [site.hash(signed), bytes.fromhex(site.hash(signed))]
    for secret in secrets:
        forged = site.hop_token(session, secret=secret)
        assert site.browser().identify(identity_token=forged).json()["code"] == "proof_rejected"


def _more_standing(claims: dict[str, object]) -> dict[str, object]:
    return {**claims, "std": "proven"}


def _another_session(claims: dict[str, object]) -> dict[str, object]:
    return {**claims, "ses": secret_digest("hvs_" + "0" * 64)}


def _another_jti(claims: dict[str, object]) -> dict[str, object]:
    return {**claims, "jti": "hop_" + "0" * 64}


def _longer(claims: dict[str, object]) -> dict[str, object]:
    return {**claims, "exp": int(str(claims["exp"])) + 3600}


@pytest.mark.rule("T1")
@pytest.mark.parametrize("alter", [_more_standing, _another_session, _another_jti, _longer])
def test_altered_token_is_refused(
    site: Site, victim: Victim, alter: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    attacker = site.browser()
    attacker.identify(email=victim.email)
    header, payload, signature = attacker.hop().split(".")
    altered = b64(json.dumps(alter(json.loads(urlsafe(payload)))).encode())
    heads = [header, b64(b'{"alg":"none","typ":"hullo-hop"}'), b64(b'{"alg":"HS512","typ":"hullo-hop"}')]
    for head in heads:
        answer = site.browser().identify(identity_token=f"{head}.{altered}.{signature}")
        assert answer.json()["code"] == "proof_rejected"


@pytest.mark.rule("T1")
@pytest.mark.parametrize(
    "payload", [{}, {"jti": "x"}, {"ses": [], "std": "proven", "jti": "x"}, {"ses": "x", "std": 3, "jti": []}]
)
def test_token_lacking_hop_fields_is_refused(site: Site, payload: dict[str, object]) -> None:
    token = hs256(hop_secret(site.secret), in_order(site.app_key, **payload), {"alg": "HS256", "typ": "hullo-hop"})
    assert site.browser().identify(identity_token=token).json()["code"] == "proof_rejected"


@pytest.mark.rule("T1", "V5")
def test_hop_token_and_proof_do_not_mix(site: Site, victim: Victim) -> None:
    me = site.target.name("me")
    mine = hs256(site.secret, in_order(site.app_key, sub=me))
    assert site.browser().identify(token=victim.browser.hop()).json()["code"] == "proof_rejected"
    beside = [{"external_id": me, "user_hash": site.hash(me)}, {"token": mine}]
    for said in beside:
        answer = site.browser().identify(identity_token=victim.browser.hop(), **said)
        assert answer.json()["code"] == "proof_rejected"
    assert site.has(external_id=me) == []


@pytest.mark.rule("T1", "V2")
def test_arrival_cannot_add_identifiers_to_contact(site: Site, victim: Victim) -> None:
    before = victim.data()
    answer = site.browser().identify(
        identity_token=victim.browser.hop(), external_id="mallory", email="mallory@evil.test", name="Mallory"
    )
    assert {each["field"] for each in answer.json()["rejected"]} == {"external_id", "email"}
    assert victim.data() == before


@pytest.mark.rule("P4", "T1")
def test_token_carries_no_identifiers(site: Site, victim: Victim) -> None:
    token = victim.browser.hop()
    said = b"".join(urlsafe(part) for part in token.split("."))
    for name in (victim.id, victim.external_id, victim.email, victim.browser.token, victim.conversation):
        assert str(name).encode() not in said


LANDING = (
    "/?{}",
    "/?a=1&{}&b=2",
    "/shop/page?{}",
    "//evil.test/?{}",
    "///evil.test/?{}",
    "/\\evil.test/?{}",
    "/\\/evil.test/?{}",
    "/%5Cevil.test/?{}",
    "/%2Fevil.test/?{}",
    "/%2F%2Fevil.test/?{}",
    "/%09//evil.test?{}",
    "/.//evil.test?{}",
    "/..//evil.test?{}",
    "/@evil.test?{}",
    "/evil.test:80/?{}",
    "/https://evil.test/?{}",
    "https://evil.test/?{}",
    "//evil.test:80@evil.test/?{}",
    "/;//evil.test?{}",
    "/?{}&next=//evil.test",
    "/%0d%0aSet-Cookie:%20evil=1?{}",
    "/?{}&a=%0d%0aSet-Cookie:%20evil=1",
    "/?a=%0d%0aLocation:%20https://evil.test&{}",
    "/?{}&a=\xff\xfe",
    "/?{}#fragment",
    "/?{}?a=b",
    "/?{}&%68ullo_identity=again",
    "/?{}&hullo%5Fidentity=again",
    "/?{}&hullo_identity=again&hullo_identity",
)


@pytest.mark.rule("T3")
@pytest.mark.parametrize("address", LANDING, ids=ascii)
@pytest.mark.parametrize("good", [True, False], ids=["good token", "bad token"])
def test_arrival_redirects_to_same_host_without_token(bystander: Victim, address: str, good: bool) -> None:
    victim, site = bystander, bystander.site
    token = victim.browser.hop() if good else "e30.e30.e30"
    answer = arrive(site.target, address.format(f"{PARAMETER}={token}"))
    if answer.status == 400:  # the server has refused it before anybody looked at it
        assert "location" not in answer.headers
        return
    assert answer.status == 303
    location = answer.headers["location"]
    assert location.startswith("/")
    assert urlsplit(location).netloc == ""
    assert urlsplit(urljoin(site.target.url, location)).netloc == site.target.host
    assert not location.startswith(("//", "/\\"))
    assert location.isascii()
    assert location.isprintable()
    assert "\\" not in location.partition("?")[0]
    assert token not in location
    assert PARAMETER not in location
    assert "again" not in location
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "evil=1" not in answer.headers.get("set-cookie", "")
    assert all(token not in value for value in answer.headers.values())
    assert answer.body == b""


@pytest.mark.rule("T3", "T5")
@pytest.mark.parametrize(
    "address", ["/?x{}=a.b.c", "/?next=/page?{}=a.b.c", "/?next=%26{}=a.b.c", "/?a={}=a.b.c"], ids=ascii
)
def test_lookalike_arrival_does_not_redirect_forever(target: Target, address: str) -> None:
    asked = address.format(PARAMETER)
    answer = arrive(target, asked)
    assert answer.headers.get("location") != asked


@pytest.mark.rule("T3")
@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT"])
def test_only_click_requests_redeem_a_token(site: Site, victim: Victim, method: str) -> None:
    token = victim.browser.hop()
    answer = arrive(site.target, f"/?{PARAMETER}={token}", method=method)
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert site.browser().identify(identity_token=token).json()["standing"] == "proven"


@pytest.mark.rule("T3")
def test_one_of_two_tokens_redeemed_none_stays(site: Site, victim: Victim) -> None:
    tokens = [victim.browser.hop(), site.victim().browser.hop()]
    answer = arrive(site.target, "/?" + "&".join(f"{PARAMETER}={token}" for token in tokens))
    assert answer.headers["location"] == "/"
    assert with_token(site, cookie_of(answer)).conversations() == {victim.conversation}


@pytest.mark.rule("T5")
@pytest.mark.parametrize(
    "token", ["", "x", "..", "e30.e30.e30", "%00", "%ff%fe", "a" * 30_000, "null", "hvs_" + "0" * 64, "%F0%9F%94%91"]
)
def test_wrong_token_keeps_visitor_and_page(bystander: Victim, token: str) -> None:
    victim, site = bystander, bystander.site
    answer = arrive(site.target, f"/?{PARAMETER}={token}", cookie=victim.browser.token)
    assert (answer.status, answer.headers["location"], cookie_of(answer)) == (303, "/", None)
    assert victim.browser.me()["standing"] == "proven"


@pytest.mark.rule("T1")
def test_token_in_own_paths_does_nothing(site: Site, victim: Victim) -> None:
    token = victim.browser.hop()
    for path in ("/me", "/conversations", "/contacts"):
        answer = site.target.call("GET", f"{V1}{path}?{PARAMETER}={token}&session_token={victim.browser.token}")
        assert answer.status_code in {
            401,
            422,
        }  # no session in an address, and no parameter that the call does not know
        assert "set-cookie" not in answer.headers


@pytest.mark.rule("T1", "H1", "L1")
@pytest.mark.parametrize("kind", ["hop", "signed"])
def test_attackers_link_does_not_reveal_visitors_messages(site: Site, kind: str) -> None:
    """Nobody asks a visitor whether they meant to arrive as somebody else: the attacker makes a token of their own,
    and a visitor who has a conversation already follows the link."""
    mallory = site.target.name("mallory")
    attacker = site.browser()
    attacker.prove(mallory)
    visitor = site.browser()
    said = visitor.say(SECRET)
    token = attacker.hop() if kind == "hop" else hs256(site.secret, in_order(site.app_key, sub=mallory))
    arrive(site.target, f"/?{PARAMETER}={quote(token)}", cookie=visitor.token)
    assert said not in attacker.conversations()
    assert attacker.get(f"/conversations/{said}/messages").status_code == 404


def press(site: Site, token: str, *, path: str = "/", **headers: str) -> Reply:
    """The button of the confirmation page is pressed, or a page claims that it was."""
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return site.target.answer_to(f"POST {path}?{PARAMETER}={token} HTTP/1.1", headers=sent)


def mailed(victim: Victim) -> str:
    """A link that the site has sent to the victim, and that somebody else has read."""
    hullo = victim.site.target.hullo
    return hullo.mint_token(victim.site.app_key, external_id=victim.external_id, for_mail=True)


@pytest.mark.rule("T6")
def test_no_other_page_presses_the_button(site: Site, victim: Victim) -> None:
    token, own = mailed(victim), f"http://{site.target.host}"
    for headers in (
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://evil.test"},
        {"Origin": f"http://evil.test/?{own}"},
        {"Origin": f"{own}.evil.test"},
        {"Origin": own, "Sec_Fetch_Site": "cross-site"},
        {"Origin": own, "Sec_Fetch_Site": "none"},
        {"Host": "evil.test", "Origin": own},
    ):
        answer = press(site, token, **headers)
        assert (answer.status, cookie_of(answer)) == (200, None)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for method in ("HEAD", "PUT", "OPTIONS", "get", "post"):
        assert cookie_of(arrive(site.target, f"/?{PARAMETER}={token}", method=method)) is None
    pressed = at_once(lambda: cookie_of(press(site, token, Origin=own)))
    assert len([cookie for cookie in pressed if cookie is not None]) == 1


@pytest.mark.rule("T6", "T3")
@pytest.mark.parametrize("path", ["/", "//evil.test/%2F..", "/\\evil.test", "/%3Cscript%3E", "/a%0d%0aX:1", "/'\"><b>"])
def test_confirmation_page_reflects_no_address(bystander: Victim, path: str) -> None:
    token, site = mailed(bystander), bystander.site
    page = arrive(site.target, f"{path}?{PARAMETER}={token}&x=%22%3E%3Cscript%3Ealert(1)")
    if page.status == 400:  # the server has refused it before anybody looked at it
        return
    assert page.status == 200
    assert not {"location", "set-cookie", "x"} & page.headers.keys()
    for secret in (token, "evil", "alert", "<b>"):
        assert secret.encode() not in page.body
        assert all(secret not in value for value in page.headers.values())
    location = press(site, token, path=path, Origin=f"http://{site.target.host}").headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.rule("T6")
@pytest.mark.parametrize(
    "host", ['"><script>alert(1)</script>', "$style", "<b>", "x' onload='alert(1)", "\xff\xfe", ""]
)
def test_confirmation_page_escapes_the_host(bystander: Victim, host: str) -> None:
    token = mailed(bystander)
    line = f"GET /?{PARAMETER}={token} HTTP/1.1"
    page = bystander.site.target.answer_to(line, headers=[("Host", host)])
    assert page.status in {200, 400}
    assert not any(tag in page.body for tag in (b"<script>alert", b"<b>", b"' onload"))
    assert page.body.count(b"<style>") == (1 if page.status == 200 else 0)


@pytest.mark.rule("T6", "T5")
def test_confirmation_claim_cannot_be_forged(site: Site, victim: Victim) -> None:
    own = f"http://{site.target.host}"
    header, payload, signature = mailed(victim).split(".")
    claims = json.loads(urlsafe(payload))
    for changed in ({**claims, "hullo_confirm": False}, {**claims, "hullo_uses": 20}, {**claims, "hullo_confirm": 1}):
        forged = f"{header}.{b64(json.dumps(changed).encode())}.{signature}"
        assert cookie_of(arrive(site.target, f"/?{PARAMETER}={forged}")) is None
        answer = press(site, forged, Origin=own)
        assert cookie_of(answer) is None
    # And of no token that was made for anything else.
    header, payload, signature = victim.browser.hop().split(".")
    forged = f"{header}.{b64(json.dumps({**json.loads(urlsafe(payload)), 'hullo_confirm': True}).encode())}.{signature}"
    answer = press(site, forged, Origin=own)
    assert (answer.status, answer.headers["location"], cookie_of(answer)) == (303, "/", None)
