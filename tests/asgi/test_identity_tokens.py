"""Tokens for a hop, over HTTP, and pages that a visitor arrives at with one (T)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest

from hullo import Hullo
from hullo.model.app import Scope
from hullo.model.instant import SECOND
from hullo.settings import RateLimits, SessionCookie, Settings

PAGE = "https://shop.example.com"
NOBODY = [None, None, None]


def hop_token(shop, token, **body):
    answer = shop.post("/identity-token", body, token)
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


def proven(shop):
    """The session token of Jane, and her id."""
    answer = shop.identify(**shop.signed("jane", email="jane@example.com")).json()
    return answer["session_token"], answer["contact_id"]


def arrive(shop, token, path="/", query="", **headers):
    return shop.http.get(f"{path}?hullo_identity={token}{query}", headers=headers, follow_redirects=False)


def kept(answer):
    """The cookie that was set: name, value and attributes."""
    first, *rest = answer.headers["set-cookie"].split("; ")
    name, _, value = first.partition("=")
    return name, value, rest


@pytest.mark.rule("T1")
def test_visitor_gets_token_for_another_app(shop):
    help_centre = shop.hullo.create_app("Help centre")
    token, contact = proven(shop)
    answer = shop.post("/identity-token", {"audience": help_centre.app_key}, token)
    assert answer.json() == {"token": answer.json()["token"], "expires_in": 300, "parameter": "hullo_identity"}
    redeemed = shop.post("/identify", {"app_key": help_centre.app_key, "identity_token": answer.json()["token"]})
    assert redeemed.json()["contact_id"] == contact
    assert redeemed.json()["matched_by"] == "hop"


@pytest.mark.rule("T1")
def test_empty_body_asks_for_own_app(shop):
    token, contact = proven(shop)
    answer = shop.http.post("/hullo/v1/identity-token", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert shop.identify(identity_token=answer.json()["token"]).json()["contact_id"] == contact


def audience(shop, token, to):
    """Which app the token is for that takes the visitor there."""
    _, payload, _ = hop_token(shop, token, to=to).split(".")
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["aud"]


@pytest.mark.rule("T1", "T2", "T7")
def test_token_is_for_app_listing_the_destination(shop):
    token, contact = proven(shop)
    shop.hullo.create_app("Stranger", workspace="another", origins=["https://help.example.com"])
    first, second = (
        shop.hullo.create_app(name, origins=["https://help.example.com", "https://*.help.example.com"]).app_key
        for name in ("First", "Second")
    )
    for to in ("https://help.example.com", "https://en.help.example.com", "HTTPS://Help.Example.com:443"):
        assert audience(shop, token, to) == first
    redeemed = shop.post(
        "/identify", {"app_key": first, "identity_token": hop_token(shop, token, to="https://help.example.com")}
    )
    assert redeemed.json()["contact_id"] == contact
    shop.hullo.register.change_app(second, {"origins": f"{PAGE},https://status.example.com"})
    assert audience(shop, token, "https://status.example.com") == second
    shop.hullo.register.change_app(shop.app_key, {"origins": f"{PAGE},https://*.example.com,https://own.example.com"})
    assert audience(shop, token, "https://help.example.com") == first
    assert audience(shop, token, "https://own.example.com") == shop.app_key
    # Of two that list it, another app: the visitor's own needs no hop there. The origin itself goes before a pattern.
    assert audience(shop, token, PAGE) == second
    shop.hullo.register.change_app(second, {"origins": "https://*.example.com"})
    assert audience(shop, token, PAGE) == shop.app_key
    assert audience(shop, token, "https://blog.example.com") == second


@pytest.mark.rule("T7")
def test_join_names_domains_of_the_workspace(shop):
    shop.hullo.create_app("Stranger", workspace="another", origins=["https://secret.test"])
    shop.hullo.create_app("Unlisted")
    shop.hullo.create_app("Help centre", origins=["https://help.test", "https://*.help.test", PAGE])
    admin = shop.hullo.create_app("Admin", origins=["http://localhost:8001", "http://*.localhost:8002", "http://[::1]"])
    local = ["http://localhost:8001", "http://*.localhost:8002", "http://[::1]"]
    shop.hullo.register.change_app(shop.app_key, {"origins": f"{PAGE},http://127.0.0.1"})
    joined = shop.post("/join", {"app_key": shop.app_key}, origin=PAGE).json()
    wanted = [PAGE, "http://127.0.0.1", "https://help.test", "https://*.help.test"]
    assert joined["settings"]["domains"] == wanted
    for path in ("/join", "/reset"):
        assert shop.post(path, {}, joined["session_token"]).json()["settings"]["domains"] == wanted
    # On a developer's machine links lead to others on it.
    on_machine = shop.post("/join", {"app_key": shop.app_key}, origin="http://127.0.0.1").json()
    assert on_machine["settings"]["domains"] == [*wanted, *local]
    back = shop.post("/join", {"app_key": admin.app_key}, origin="http://localhost:8001").json()
    assert back["settings"]["domains"] == [*local, *wanted]
    foreign = shop.hullo.create_app("Foreign", workspace="third")
    assert shop.post("/join", {"app_key": foreign.app_key}).json()["settings"]["domains"] == []
    # Where nothing is stored before the visitor agrees, there is nothing to take along.
    shop.hullo.register.change_app(shop.app_key, {"consent": "required"})
    unasked = shop.post("/join", {"app_key": shop.app_key}).json()
    assert unasked["settings"]["domains"] == [PAGE, "http://127.0.0.1"]


@pytest.mark.rule("T7")
def test_many_joins_read_the_apps_once(shop, monkeypatch):
    shop.post("/join", {"app_key": shop.app_key})
    store, reads = shop.hullo.store, []
    list_apps = store.list_apps
    monkeypatch.setattr(store, "list_apps", lambda: reads.append(1) or list_apps())
    for _ in range(5):
        assert shop.post("/join", {"app_key": shop.app_key}).json()["settings"]["domains"] == [PAGE]
    assert reads == []
    now = shop.hullo.clock()
    for moved in (11 * SECOND, -11 * SECOND):
        monkeypatch.setattr(shop.hullo, "clock", lambda moved=moved: now + moved)
        shop.post("/join", {"app_key": shop.app_key})
        shop.post("/join", {"app_key": shop.app_key})
    assert len(reads) == 2
    # A workspace that is newer than what was read has its links at once; so has one without any.
    new = shop.hullo.create_app("New", workspace="new", origins=["https://a.test"]).app_key
    shop.hullo.create_app("Help centre", workspace="new", origins=["https://b.test"])
    unlisted = shop.hullo.create_app("Unlisted", workspace="newer").app_key
    for app_key, domains in ((new, ["https://a.test", "https://b.test"]), (unlisted, [])):
        for _ in range(2):
            assert shop.post("/join", {"app_key": app_key}).json()["settings"]["domains"] == domains
    assert len(reads) == 3


@pytest.mark.rule("T1", "T2")
def test_unlisted_loopback_page_gets_unlisted_app(shop):
    token, _ = proven(shop)
    here = "http://localhost:8001"
    unlisted = [shop.hullo.create_app(name).app_key for name in ("Unlisted", "Unlisted too")]
    assert audience(shop, token, here) == unlisted[0]
    shop.hullo.register.change_app(shop.app_key, {"origins": ""})
    assert audience(shop, token, here) == shop.app_key
    help_centre = shop.hullo.create_app("Help centre", origins=[here]).app_key
    assert audience(shop, token, here) == help_centre
    assert audience(shop, token, "http://localhost:8002") == shop.app_key
    assert shop.post("/identity-token", {"to": "https://shop.test"}, token).status_code == 404


def test_destination_is_resolved_only_for_identified_visitors(shop):
    for token, status in ((shop.join(), 409), ("hvs_0", 401), (None, 401)):
        answers = [
            shop.post("/identity-token", {"app_key": shop.app_key, "to": to}, token)
            for to in (PAGE, "https://nobody.test")
        ]
        assert {answer.status_code for answer in answers} == {status}
        assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"audience": "app_unknown"}, 404, "unknown_app"),
        ({"audience": 1}, 422, "invalid"),
        ({"to": "https://nobody.test"}, 404, "not_found"),
        ({"to": "http://localhost"}, 404, "not_found"),
        ({"to": ""}, 422, "invalid"),
        ({"to": 1}, 422, "invalid"),
        ({"to": "null"}, 422, "invalid"),
        ({"to": "help.example.com"}, 422, "invalid"),
        ({"to": f"{PAGE}/"}, 422, "invalid"),
        ({"to": "https://*.example.com"}, 422, "invalid"),
        ({"to": PAGE, "audience": "app_unknown"}, 422, "invalid"),
        ([], 400, "bad_json"),
    ],
)
def test_token_without_valid_destination_is_refused(shop, body, status, code):
    answer = shop.post("/identity-token", body, proven(shop)[0])
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_anonymous_visitor_gets_no_token(shop):
    answer = shop.post("/identity-token", {}, shop.join())
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    answer = shop.post("/identity-token", {"app_key": shop.app_key})
    assert (answer.status_code, answer.json()["code"]) == (401, "session_required")


def test_unlisted_page_gets_no_token(shop):
    token, _ = proven(shop)
    answer = shop.post("/identity-token", {}, token, origin="https://evil.test")
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
    assert shop.post("/identity-token", {}, token, origin=PAGE).headers["access-control-allow-origin"] == PAGE


@pytest.mark.rule("T2", "T3")
def test_page_redeems_token_and_cleans_address(shop):
    token, contact = proven(shop)
    answer = arrive(shop, hop_token(shop, token), path="/orders", query="&page=2&q=a%26b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?page=2&q=a%26b")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == ""
    name, value, attributes = kept(answer)
    assert name == "__Host-hullo_session"
    assert attributes == ["Max-Age=15552000", "Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    home = shop.http.get("/", headers={"cookie": f"{name}={value}"}).json()
    assert home[1:] == [contact, "proven"]


@pytest.mark.rule("T4", "T3")
def test_page_redeems_token_minted_by_server(shop):
    answer = arrive(shop, shop.hullo.mint_token(shop.app_key, external_id="jane"))
    name, value, _ = kept(answer)
    home = shop.http.get("/", headers={"cookie": f"{name}={value}"}).json()
    assert home[2] == "proven"


@pytest.mark.rule("T5")
def test_bad_token_keeps_page_working_and_logged(shop, caplog):
    token, _ = proven(shop)
    spent = hop_token(shop, token)
    arrive(shop, spent)
    foreign = hop_token(shop, token)
    shop.post("/reset", {}, token)
    for each in (spent, foreign, "garbage", "", "a.b.c", "%00", "é", "x" * 9000):
        caplog.clear()
        answer = arrive(shop, each)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "set-cookie" not in answer.headers
        assert "event=refused" in caplog.text
        assert spent not in caplog.text
    assert shop.http.get("/").json() == NOBODY


@pytest.mark.rule("T3")
@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("//evil.test/x", "/evil.test/x"),
        ("///evil.test", "/evil.test"),
        ("/%5Cevil.test", "/%5Cevil.test"),
        ("/a%0d%0aSet-Cookie:x=1", "/a%0d%0aSet-Cookie:x=1"),
        ("/docs/a%2Fb", "/docs/a%2Fb"),
        ("/%2F/evil.test", "/%2F/evil.test"),
        ("/a%20b/%C3%A9%3Fx", "/a%20b/%C3%A9%3Fx"),
        ("/@evil.test", "/@evil.test"),
    ],
)
def test_clean_address_stays_on_same_host(shop, path, clean):
    answer = shop.http.get(f"http://testserver{path}?hullo_identity=x", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, clean)


@pytest.mark.rule("T2", "T3")
def test_several_tokens_are_all_removed(shop):
    answer = arrive(shop, "one", query="&a=1&hullo_identity=two&hullo%5Fidentity=three&b")
    assert answer.headers["location"] == "/?a=1&b"


@pytest.mark.parametrize(
    "query", ["xhullo_identity=1", "next=/a?hullo_identity=1", "q=hullo_identity=x", "hullo_identityx"]
)
def test_lookalike_parameter_is_served_normally(shop, query):
    assert shop.http.get(f"/?{query}", follow_redirects=False).status_code == 200


def test_only_a_click_counts_as_arrival(shop):
    token = hop_token(shop, proven(shop)[0])
    assert shop.http.post(f"/?hullo_identity={token}", follow_redirects=False).status_code != 303
    assert shop.http.head(f"/?hullo_identity={token}", follow_redirects=False).status_code == 200
    assert shop.http.get(f"/hullo/healthz?hullo_identity={token}", follow_redirects=False).status_code == 200
    assert arrive(shop, token).status_code == 303


@pytest.mark.rule("C5", "T3")
def test_arrival_replaces_the_previous_visitor(shop):
    bob = shop.identify(**shop.signed("bob")).json()
    jane, contact = proven(shop)
    cookie = f"__Host-hullo_session={bob['session_token']}"
    name, value, _ = kept(arrive(shop, hop_token(shop, jane), cookie=cookie))
    assert shop.http.get("/", headers={"cookie": f"{name}={value}"}).json()[1] == contact
    assert shop.http.get("/", headers={"cookie": cookie}).json() == NOBODY


@pytest.mark.rule("T3")
def test_arrival_continues_an_anonymous_visitor(shop):
    visitor = shop.post("/join", {"app_key": shop.app_key}).json()
    jane, contact = proven(shop)
    cookie = f"__Host-hullo_session={visitor['session_token']}"
    assert "set-cookie" not in arrive(shop, hop_token(shop, jane), cookie=cookie).headers
    assert shop.http.get("/", headers={"cookie": cookie}).json() == [visitor["visitor_id"], contact, "proven"]
    over = "__Host-hullo_session=hvs_" + "0" * 64
    assert kept(arrive(shop, hop_token(shop, jane), cookie=over))[1] != over.partition("=")[2]


@pytest.mark.rule("T2")
def test_token_parameter_may_be_renamed(serve, backend):
    shop = serve(Hullo("memory:", settings=Settings(hop_parameter="convot_identity")), backend)
    token, _ = proven(shop)
    issued = shop.post("/identity-token", {}, token).json()
    assert issued["parameter"] == "convot_identity"
    answer = shop.http.get(f"/?convot_identity={issued['token']}&hullo_identity=x", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?hullo_identity=x")


@pytest.mark.rule("T5")
def test_site_takes_tokens_for_own_app(serve, backend):
    hullo = Hullo("memory:").open()
    other = hullo.create_app("Other")
    shop = serve(hullo, backend, app_key=other.app_key)
    token, _ = proven(shop)
    assert "set-cookie" not in arrive(shop, hop_token(shop, token)).headers
    assert "set-cookie" in arrive(shop, hop_token(shop, token, audience=other.app_key)).headers


@pytest.mark.rule("S2")
def test_server_lists_and_ends_contact_sessions(shop):
    token, contact = proven(shop)
    other = shop.identify(**shop.signed("jane")).json()["session_token"]
    key = shop.api_key()
    listed = shop.get(f"/contacts/{contact}/sessions", key).json()
    assert [each["active"] for each in listed["items"]] == [True, True]
    assert set(listed["items"][0]) == {
        "visitor_id",
        "app_id",
        "standing",
        "active",
        "blocked",
        "created_at",
        "last_seen_at",
        "expires_at",
        "revoked_at",
    }
    page = shop.get(f"/contacts/{contact}/sessions?limit=1", key).json()
    rest = shop.get(f"/contacts/{contact}/sessions?limit=1&cursor={page['next']}", key).json()
    assert [*page["items"], *rest["items"]] == listed["items"]
    bound = shop.api_key(app_key=shop.app_key)
    refused = shop.http.delete(f"/hullo/v1/contacts/{contact}/sessions", headers={"authorization": f"Bearer {bound}"})
    assert refused.status_code == 403
    ended = shop.http.delete(f"/hullo/v1/contacts/{contact}/sessions", headers={"authorization": f"Bearer {key}"})
    assert ended.json() == {"id": contact, "logged_out": True}
    assert [shop.get("/me", each).status_code for each in (token, other)] == [401, 401]
    assert not any(each["active"] for each in shop.get(f"/contacts/{contact}/sessions", key).json()["items"])


def test_sessions_need_workspace_key_with_scope(shop):
    _, contact = proven(shop)
    foreign = shop.hullo.create_app("Foreign", workspace="another")
    path = f"/contacts/{contact}/sessions"
    assert shop.get(path, shop.api_key(app_key=foreign.app_key)).status_code == 404
    assert shop.get(path, shop.api_key(Scope.WRITE, app_key=shop.app_key)).status_code == 403
    reads = shop.api_key(Scope.READ, app_key=shop.app_key)
    assert shop.http.delete(f"/hullo/v1{path}", headers={"authorization": f"Bearer {reads}"}).status_code == 403
    assert shop.get(path).status_code == 401


OWN = "http://testserver"


@pytest.fixture
def cookies(serve, backend):
    """A shop whose pages are on hullo's own host, and whose sessions are in cookies."""
    hullo = Hullo("memory:", settings=Settings(cookie=SessionCookie(on=True))).open()
    shop = serve(hullo, backend)
    hullo.register.change_app(shop.app_key, {"origins": f"{PAGE},{OWN}"})
    return shop


@pytest.mark.rule("S1")
def test_cookie_holds_session_hidden_from_scripts(cookies):
    joined = cookies.post("/join", {"app_key": cookies.app_key}, origin=OWN)
    assert joined.json()["session_token"] is None
    name, value, attributes = kept(joined)
    assert (name, attributes[1:]) == ("__Host-hullo_session", ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"])
    mine = {"cookie": f"{name}={value}", "origin": OWN}
    cookies.http.cookies.clear()
    proven = cookies.post("/identify", {"app_key": cookies.app_key, **cookies.signed("jane")}, **mine)
    assert "session_token" not in proven.json()
    assert proven.json()["visitor_id"] == joined.json()["visitor_id"]
    assert cookies.get("/me", **{"cookie": mine["cookie"]}).json()["standing"] == "proven"
    again = cookies.post("/join", {"app_key": cookies.app_key}, **mine)
    assert again.json()["session_token"] is None
    assert kept(again)[1] == value
    reset = cookies.post("/reset", {"app_key": cookies.app_key}, **mine)
    assert kept(reset)[1] != value
    assert cookies.get("/me", **{"cookie": mine["cookie"]}).status_code == 401


@pytest.mark.rule("S1")
def test_pages_elsewhere_still_hold_a_token(cookies):
    joined = cookies.post("/join", {"app_key": cookies.app_key}, origin=PAGE)
    assert joined.json()["session_token"].startswith("hvs_")
    assert "set-cookie" not in joined.headers


def test_switch_and_repeat_keep_new_session_cookie(cookies):
    name, value, _ = kept(cookies.post("/join", {"app_key": cookies.app_key}, origin=OWN))
    cookies.http.cookies.clear()
    mine = {"cookie": f"{name}={value}", "origin": OWN}
    body = {"app_key": cookies.app_key, **cookies.signed("jane")}
    cookies.post("/identify", body, **mine)
    body = {"app_key": cookies.app_key, **cookies.signed("bob")}
    first = cookies.post("/identify", body, **mine, idempotency_key="one")
    again = cookies.post("/identify", body, **mine, idempotency_key="one")
    assert first.json() == again.json()
    assert "session_token" not in first.json()
    assert kept(first)[1] == kept(again)[1] != value


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": PAGE},
        {"origin": "https://testserver.evil.test"},
        {"origin": "null"},
        {"origin": "testserver"},
        {"origin": "http://testserver:81"},
        {},
    ],
)
def test_cookie_is_taken_from_own_pages_only(cookies, headers):
    name, value, _ = kept(cookies.post("/join", {"app_key": cookies.app_key}, origin=OWN))
    cookies.http.cookies.clear()
    answer = cookies.post(
        "/conversations", {"app_key": cookies.app_key, "text": "Hi"}, cookie=f"{name}={value}", **headers
    )
    assert answer.json()["code"] in {"session_required", "bad_origin"}
    if "origin" not in headers:
        cross = {"cookie": f"{name}={value}", "sec-fetch-site": "cross-site"}
        assert cookies.get("/me", **cross).status_code == 401
        assert cookies.get("/me", **{**cross, "sec-fetch-site": "same-site"}).status_code == 401
        assert cookies.get("/me", **{**cross, "sec-fetch-site": "same-origin"}).status_code == 200


def test_cookie_on_localhost_needs_no_tls(serve, backend):
    settings = Settings(cookie=SessionCookie(on=True, same_site="strict"))
    shop = serve(Hullo("memory:", settings=settings).open(), backend)
    here = {"origin": "http://localhost:8000", "host": "localhost:8000"}
    shop.hullo.register.change_app(shop.app_key, {"origins": ""})
    name, _, attributes = kept(shop.post("/join", {"app_key": shop.app_key}, **here))
    assert name == "hullo_session"
    assert attributes[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]


@pytest.mark.rule("T5")
def test_arrivals_over_the_limit_keep_page_working(serve, backend):
    settings = Settings(rate_limits=RateLimits(sessions_per_address=2))
    shop = serve(Hullo("memory:", settings=settings), backend)
    minted = [shop.hullo.mint_token(shop.app_key, external_id=f"user_{number}") for number in range(3)]
    answers = [arrive(shop, token) for token in minted]
    assert ["set-cookie" in answer.headers for answer in answers] == [True, True, False]
    assert [answer.status_code for answer in answers] == [303, 303, 303]


@pytest.mark.rule("S1")
def test_plantable_subdomain_cookie_is_no_session(shop):
    """Or whoever planted it would share the session that the visitor goes on to prove."""
    shop.hullo.register.change_app(shop.app_key, {"origins": f"{PAGE},{OWN}"})
    planted = shop.join()
    victim = {"cookie": f"hullo_session={planted}", "origin": OWN}
    joined = shop.post("/join", {"app_key": shop.app_key}, **victim)
    assert joined.json()["session_token"] not in {planted, None}
    assert "set-cookie" not in joined.headers
    shop.post("/identify", {"app_key": shop.app_key, **shop.signed("jane")}, **victim)
    assert shop.get("/me", planted).json()["identified"] is False
    jane, _ = proven(shop)
    assert kept(arrive(shop, hop_token(shop, jane), cookie=victim["cookie"]))[1] != planted
    assert shop.get("/me", planted).json()["identified"] is False


@pytest.mark.rule("H1", "T3")
def test_link_sender_cannot_read_earlier_conversation(shop):
    victim = shop.post("/join", {"app_key": shop.app_key}).json()["session_token"]
    shop.post("/conversations", {"text": "in confidence"}, victim)
    sender, _ = proven(shop)
    minted = shop.hullo.mint_token(shop.app_key, external_id="jane")
    for token in (hop_token(shop, sender), minted):
        arrive(shop, token, cookie=f"__Host-hullo_session={victim}")
        assert shop.get("/me", victim).json()["standing"] == "proven"
        assert shop.get("/conversations", sender).json()["items"] == []
        assert len(shop.get("/conversations", victim).json()["items"]) == 1


@pytest.mark.rule("T5")
def test_page_works_when_store_is_down(serve, backend, caplog):
    shop = serve(Hullo("memory:"), backend)
    token = hop_token(shop, proven(shop)[0])

    def broken(*_):
        raise RuntimeError("jane@example.com")

    shop.hullo.store.load = broken
    assert arrive(shop, token).status_code == 303
    assert "could not be redeemed: RuntimeError" in caplog.text
    assert "jane" not in caplog.text
