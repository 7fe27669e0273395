"""Blocks of contacts and visitors: who is refused, who learns of it, and how they end."""

from __future__ import annotations

import pytest

from hullo.model.app import Scope


@pytest.fixture
def key(shop):
    return shop.api_key()


def proven(shop, external_id="user_1", token=None):
    token = token or shop.join()
    return token, shop.identify(token, **shop.signed(external_id)).json()["contact_id"]


def visitor_of(shop, token):
    return shop.get("/me", token).json()["visitor_id"]


def block(shop, key, kind, id_, verb="block", **body):
    answer = shop.post(f"/{kind}/{id_}/{verb}", body, key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def attempts(shop, token, **person):
    """What a browser gets for a message, and for an identify call."""
    said = shop.post("/conversations", {"text": "hello"}, token)
    named = shop.identify(token, **(person or {"custom_data": {"plan": "pro"}, "external_id": "user_1"}))
    return [(answer.status_code, answer.json().get("code")) for answer in (said, named)]


REFUSED, TAKEN = [(403, "blocked")] * 2, [(200, None)] * 2


def test_blocked_visitor_cannot_write_or_identify(shop, key):
    token = shop.join()
    conversation = shop.post("/conversations", {"text": "hello"}, token).json()["id"]
    visitor_id = visitor_of(shop, token)
    blocked = block(shop, key, "visitors", visitor_id, reason="spam")["blocked"]
    assert (blocked["reason"], blocked["by"].partition(":")[0]) == ("spam", "api-key")
    assert attempts(shop, token) == REFUSED
    answer = shop.post(f"/conversations/{conversation}/messages", {"text": "let me in"}, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
    assert "spam" not in answer.text
    # Reading goes on: what was said is theirs.
    assert len(shop.get(f"/conversations/{conversation}/messages", token).json()["items"]) == 1
    assert shop.get(f"/conversations/{conversation}", key).json()["visitor"] == {"id": visitor_id, "blocked": blocked}
    block(shop, key, "visitors", visitor_id, "unblock")
    assert attempts(shop, token) == TAKEN


@pytest.mark.rule("S2", "S6")
def test_block_survives_resets_in_the_same_browser(shop, key):
    first = token = shop.join()
    block(shop, key, "visitors", visitor_of(shop, first))
    for _ in range(2):
        token = shop.post("/reset", {"app_key": shop.app_key}, token).json()["session_token"]
        assert attempts(shop, token) == REFUSED
    # A token that is over still says which browser it is.
    assert attempts(shop, shop.post("/join", {"app_key": shop.app_key}, first).json()["session_token"]) == REFUSED
    # S6: so does a page on which no user is logged in.
    user, _ = proven(shop)
    block(shop, key, "visitors", visitor_of(shop, user))
    left = shop.identify(user, nobody=True).json()["session_token"]
    assert attempts(shop, left) == REFUSED
    # Without a session there is nothing to know the browser by.
    assert attempts(shop, shop.join(), email="other@x.test") == TAKEN
    block(shop, key, "visitors", visitor_of(shop, token), "unblock")
    assert attempts(shop, token) == TAKEN
    assert attempts(shop, shop.post("/join", {"app_key": shop.app_key}, first).json()["session_token"]) == TAKEN


def test_blocked_contact_is_refused_in_every_proven_browser(shop, key):
    token, contact_id = proven(shop)
    shown = block(shop, key, "contacts", contact_id, reason="abuse")
    assert shop.get(f"/contacts/{contact_id}", key).json() == shown
    assert shown["blocked"]["reason"] == "abuse"
    assert attempts(shop, token) == REFUSED
    other = shop.join()
    assert shop.post("/conversations", {"text": "as nobody"}, other).status_code == 200
    assert shop.identify(other, **shop.signed("user_1")).json()["code"] == "blocked"
    # It has shown who it is, and does not go on as an anonymous visitor; nor after a reset.
    assert attempts(shop, other) == REFUSED
    fresh = shop.post("/reset", {"app_key": shop.app_key}, token).json()["session_token"]
    assert attempts(shop, fresh) == REFUSED
    assert shop.identify(**shop.signed("user_1")).json()["code"] == "blocked"
    # One that was made by a claim, too, once that is proven.
    shop.identify(email="stub@x.test")
    stub = shop.get("/contacts?email=stub@x.test", key).json()["items"][0]["id"]
    block(shop, key, "contacts", stub)
    signed = {"email": "stub@x.test", "user_hash": shop.hullo.user_hash(shop.app_key, "stub@x.test")}
    assert shop.identify(**signed).json()["code"] == "blocked"
    block(shop, key, "contacts", contact_id, "unblock")
    for each in (other, fresh):
        assert attempts(shop, each, **shop.signed("user_1")) == TAKEN


@pytest.mark.rule("H2")
def test_claim_of_blocked_contact_is_answered_as_any(shop, key, masked):
    _, contact_id = proven(shop)
    shop.post("/contacts", {"external_id": "user_1", "email": "jane@x.test"}, key)
    early = shop.join()
    shop.identify(early, email="jane@x.test")

    def claims():
        answers = [shop.identify(shop.join(), **said) for said in ({"email": "jane@x.test"}, {"external_id": "user_1"})]
        said = shop.post("/conversations", {"text": "hello"}, early)
        return [(answer.status_code, masked(answer.text)) for answer in (*answers, said)]

    before = claims()
    block(shop, key, "contacts", contact_id)
    assert claims() == before
    nobody = shop.identify(shop.join(), email="unknown@x.test")
    assert (nobody.status_code, masked(nobody.text)) == before[0]
    fresh = shop.post("/reset", {"app_key": shop.app_key}, early).json()["session_token"]
    assert attempts(shop, fresh, email="jane@x.test") == TAKEN


@pytest.mark.rule("H2", "H3", "V2")
def test_block_reaches_no_one_by_a_claimed_identifier(shop, key):
    # The email of a stranger stands on the blocked contact, on its visitor's word alone.
    mallory, contact_id = proven(shop, "mallory")
    shop.identify(mallory, **shop.signed("mallory", email="jane@x.test"))
    block(shop, key, "contacts", contact_id)
    signed = {"email": "jane@x.test", "user_hash": shop.hullo.user_hash(shop.app_key, "jane@x.test")}
    assert attempts(shop, shop.join(), **signed) == TAKEN
    # And a caller with a proof of its own learns nothing of a contact that it only names.
    shop.identify(shop.join(), email="stub@x.test")
    stub = shop.get("/contacts?email=stub@x.test", key).json()["items"][0]["id"]
    block(shop, key, "contacts", stub)
    own = shop.join()
    for _ in range(2):
        assert attempts(shop, own, **shop.signed("own", email="stub@x.test")) == TAKEN


def test_shared_browser_does_not_pay_for_the_other(shop, key):
    _, contact_id = proven(shop, "mallory")
    block(shop, key, "contacts", contact_id)
    jane, _ = proven(shop, "jane")
    assert shop.identify(jane, **shop.signed("mallory")).json()["code"] == "blocked"
    assert attempts(shop, jane, **shop.signed("jane")) == TAKEN


@pytest.mark.rule("T1")
def test_block_travels_with_a_hop(shop, key):
    target = shop.hullo.create_app("Help").app_key
    token, contact_id = proven(shop)
    for kind, id_ in (("contacts", contact_id), ("visitors", visitor_of(shop, token))):
        hop = shop.post("/identity-token", {"audience": target}, token).json()["token"]
        block(shop, key, kind, id_)
        landed = shop.post("/identify", {"app_key": target, "identity_token": hop})
        assert landed.json()["code"] == "blocked"
        block(shop, key, kind, id_, "unblock")


@pytest.mark.rule("G1", "G2")
def test_merge_and_undo_keep_blocks_apart(shop, key):
    (a, one), (b, two) = proven(shop, "one"), proven(shop, "two")
    block(shop, key, "contacts", two, reason="abuse")
    merge = shop.post(f"/contacts/{one}/merge", {"absorb": two}, key).json()["merge_id"]
    assert shop.get(f"/contacts/{two}", key).json()["blocked"]["reason"] == "abuse"
    assert (attempts(shop, a, **shop.signed("one")), attempts(shop, b, **shop.signed("two"))) == (TAKEN, REFUSED)
    shop.post(f"/merges/{merge}/undo", {}, key)
    assert [shop.get(f"/contacts/{each}", key).json()["blocked"] is None for each in (one, two)] == [True, False]
    assert (attempts(shop, a, **shop.signed("one")), attempts(shop, b, **shop.signed("two"))) == (TAKEN, REFUSED)


@pytest.mark.rule("W9", "P1")
def test_block_is_audited_and_exported(shop, key):
    token, contact_id = proven(shop)
    for reason in ("abuse", "abuse", None):
        block(shop, key, "contacts", contact_id, **({"reason": reason} if reason else {}))
    visitor_id = visitor_of(shop, token)
    block(shop, key, "visitors", visitor_id)
    export = shop.get(f"/contacts/{contact_id}/export", key).json()
    assert [each["reason"] for each in export["contact"]["blocks"]] == ["abuse"]
    assert export["sessions"][0]["blocked"]["reason"] is None
    assert shop.get(f"/contacts/{contact_id}/sessions", key).json()["items"][0]["blocked"] is not None
    block(shop, key, "visitors", visitor_id, "unblock")
    for _ in range(2):
        assert block(shop, key, "contacts", contact_id, "unblock", reason="sorry")["blocked"] is None
    log = [
        (each["action"], each["subject"], each["data"]["reason"])
        for each in shop.get("/audit", key).json()["items"]
        if "blocked" in each["action"]
    ]
    assert log == [
        ("contact.unblocked", contact_id, "sorry"),
        ("visitor.unblocked", visitor_id, None),
        ("visitor.blocked", visitor_id, None),
        ("contact.blocked", contact_id, "abuse"),
    ]
    told = shop.get(f"/contacts/{contact_id}/timeline", key).json()["items"]
    assert [entry["changes"] for entry in told][:2] == [
        [{"field": "blocked", "before": True, "after": False}],
        [{"field": "blocked", "before": False, "after": True}],
    ]


def test_blocks_need_the_right_key(shop, key):
    other = shop.hullo.create_app("Other").app_key
    token, contact_id = proven(shop)
    visitor_id, bound = visitor_of(shop, token), shop.api_key(app_key=other)
    for verb in ("block", "unblock"):
        assert shop.post(f"/contacts/{contact_id}/{verb}", {}, bound).json()["code"] == "forbidden"
        answers = [shop.post(f"/visitors/{id_}/{verb}", {}, bound) for id_ in (visitor_id, "vis_1")]
        assert [answer.json()["code"] for answer in answers] == ["not_found"] * 2
        assert answers[0].json()["detail"] == answers[1].json()["detail"]
        assert shop.post(f"/visitors/{visitor_id}/{verb}", {}, shop.api_key(Scope.READ)).json()["code"] == "forbidden"
        assert shop.post(f"/visitors/{visitor_id}/{verb}", {}, token).json()["code"] == "key_required"
        for body in ({"reason": 7}, {"reason": ""}, {"why": "spam"}):
            assert shop.post(f"/visitors/{visitor_id}/{verb}", body, key).status_code == 422
    assert attempts(shop, token, **shop.signed("user_1")) == TAKEN


def test_socket_of_blocked_visitor_stays_open(shop, key):
    token = shop.join()
    with shop.http.websocket_connect("/hullo/v1/socket") as socket:
        socket.send_json({"type": "join", "app_key": shop.app_key, "session_token": token})
        assert socket.receive_json()["type"] == "joined"
        block(shop, key, "visitors", visitor_of(shop, token))
        for frame in (
            {"type": "message", "ref": "1", "text": "hello", "client_id": "1"},
            {"type": "identify", "ref": "2", "identity": {"email": "jane@x.test"}},
        ):
            socket.send_json(frame)
            answer = socket.receive_json()
            assert (answer["type"], answer["code"], answer["ref"]) == ("error", "blocked", frame["ref"])
