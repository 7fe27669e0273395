"""Identify over HTTP: what is told, and to whom."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware, hookimpl

UNPROVEN = [
    "visitor_id",
    "session_token",
    "identified",
    "standing",
    "switched",
    "linked_conversations",
    "rejected",
    "request_id",
]
PROVEN = [*UNPROVEN, "contact_id", "matched_by", "written", "kept", "noted"]


def test_identify_without_session_makes_one(shop):
    answer = shop.identify(email="jane@example.com")
    assert list(answer.json()) == UNPROVEN
    assert shop.get("/me", answer.json()["session_token"]).json()["identified"] is True


def test_token_is_returned_only_when_new(shop):
    token = shop.join()
    assert "session_token" not in shop.identify(token, email="jane@example.com").json()
    switched = shop.identify(token, email="joe@example.com").json()
    assert switched["switched"] is True
    assert switched["session_token"] != token


@pytest.mark.rule("H2")
@pytest.mark.parametrize(
    "fields",
    [
        {"email": "jane@example.com"},
        {"external_id": "user_1"},
        {"email": "jane@example.com", "external_id": "user_1", "name": "J", "phone": "none"},
        {"email": "jane@example.com", "custom_data": {"plan": "free"}},
        {"email": "jane@example.com", "external_id": "made-up"},
    ],
)
def test_unproven_answer_hides_known_contacts(shop, masked, fields):
    unknown = shop.identify(**fields)
    known_fields = {"email": "known@example.com", "external_id": "known_1"}
    shop.identify(**shop.signed("known_1", email="known@example.com", custom_data={"plan": "pro"}))
    known = shop.identify(
        **{name: known_fields.get(name, value) if value != "made-up" else value for name, value in fields.items()}
    )
    assert masked(known.text) == masked(unknown.text)
    assert known.headers["content-length"] == unknown.headers["content-length"]


@pytest.mark.rule("H2")
def test_owner_gets_same_answer_as_claimant(shop, masked):
    token = shop.join()
    shop.identify(token, email="owned@example.com")
    owner = shop.identify(token, email="owned@example.com")
    shop.identify(**shop.signed("user_1", email="known@example.com"))
    other = shop.join()
    shop.identify(other, email="known@example.com")
    claimant = shop.identify(other, email="known@example.com")
    assert masked(owner.text) == masked(claimant.text)
    assert owner.json()["standing"] == "claimed"


def test_proven_answer_explains_itself(shop):
    answer = shop.identify(**shop.signed("user_1", name="Jane")).json()
    assert list(answer) == PROVEN
    assert answer["standing"] == "proven"
    assert answer["matched_by"] == "created"
    assert (answer["written"], answer["noted"]) == (["external_id", "name"], [])


@pytest.mark.rule("M6")
def test_plan_changes_without_naming_the_person(shop):
    token = shop.join()
    assert shop.identify(token, custom_data={"plan": "pro"}).json()["code"] == "no_identifier"
    shop.identify(token, **shop.signed("user_1"))
    answer = shop.identify(token, custom_data={"plan": "pro"}).json()
    assert list(answer) == [name for name in PROVEN if name != "session_token"]
    assert (answer["matched_by"], answer["written"]) == ("session", ["custom_data.plan"])


@pytest.mark.rule("S6")
def test_nobody_ends_the_identity_of_page(shop):
    none = shop.identify(nobody=True)
    assert (none.status_code, none.json()["visitor_id"], "session_token" in none.json()) == (200, None, False)
    token = shop.join()
    kept = shop.identify(token, nobody=True).json()
    assert (kept["identified"], kept["standing"], kept["switched"]) == (False, None, False)
    shop.identify(token, **shop.signed("user_1"))
    ended = shop.identify(token, nobody=True).json()
    assert (ended["identified"], ended["switched"]) == (False, True)
    assert ended["visitor_id"] != kept["visitor_id"]
    assert shop.get("/me", token).json()["code"] == "session_revoked"
    assert shop.get("/me", ended["session_token"]).json()["identified"] is False
    for wrong in ({"nobody": 1}, {"nobody": True, "email": "jane@example.com"}):
        answer = shop.identify(**wrong)
        assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (422, ["nobody"])
    assert shop.identify(nobody=False, email="jane@example.com").json()["identified"] is True


@pytest.mark.rule("C8", "L2")
def test_login_of_lead_keeps_session_and_chat(shop):
    for known in (False, True):
        person = shop.signed(f"user {known}")
        if known:
            shop.post("/contacts", {"external_id": person["external_id"], "email": "own@example.com"}, shop.api_key())
        token = shop.join()
        shop.post("/conversations", {"text": "hello"}, token)
        typed = shop.identify(token, email=f"typed.{known}@example.com", source="prompt").json()
        answer = shop.identify(token, **person).json()
        assert (answer["switched"], answer["visitor_id"]) == (False, typed["visitor_id"])
        assert "session_token" not in answer
        assert (answer["standing"], answer["linked_conversations"]) == ("proven", 1)
        phone = shop.identify(**person).json()["session_token"]
        assert [len(shop.get("/conversations", device).json()["items"]) for device in (token, phone)] == [1, 1]
        # The page's own claim ends the lead: another person's login is a switch then.
        assert shop.identify(token, **shop.signed("another")).json()["switched"] is True


@pytest.mark.rule("H3", "C7")
def test_proven_answer_only_notes_unproven_identifiers(shop, masked):
    """The same for an email of a stranger, of a proven person, of a claimed one, and beside an email of one's own."""
    key = shop.api_key()
    shop.identify(**shop.signed("other", email="taken@example.com"))
    shop.post("/contacts", {"external_id": "known", "email": "known@example.com"}, key)
    shop.identify(email="claimed@example.com")
    answers = {}
    for name in ("new", "taken", "known", "claimed"):
        token, person = shop.join(), shop.signed(f"user of {name}", email=f"{name}@example.com", name="Jane")
        answers[name] = [masked(shop.identify(token, **person).text) for _ in range(2)]
    assert len({tuple(pair) for pair in answers.values()}) == 1, answers
    first, second = (json.loads(text) for text in answers["taken"])
    assert (first["matched_by"], first["written"], first["noted"]) == ("created", ["external_id", "name"], ["email"])
    assert (second["matched_by"], second["written"], second["noted"]) == ("external_id", [], ["email"])
    # Agents learn the rest.
    assert {conflict["field"] for conflict in shop.get("/conflicts", key).json()["items"]} == {"email"}
    shop.post("/contacts", {"external_id": "has one", "email": "mine@example.com"}, key)
    beside = shop.identify(**shop.signed("has one", email="other@example.com")).json()
    assert (beside["written"], beside["kept"], beside["noted"]) == ([], [], ["email"])
    # Only its session proves what this call says: none of its identifiers is told of.
    session = shop.join()
    shop.identify(session, **shop.signed("has one"))
    unsigned = shop.identify(session, external_id="has one", email="taken@example.com").json()
    assert (unsigned["standing"], unsigned["noted"]) == ("proven", ["external_id", "email"])


def test_kept_names_fields_a_policy_refused(shop):
    token = shop.hullo.mint_token(shop.app_key, external_id="user_1", custom_data={"plan": "pro"})
    session = shop.identify(token=token).json()["session_token"]
    answer = shop.identify(session, external_id="user_1", custom_data={"plan": "free"}).json()
    assert [each["field"] for each in answer["kept"]] == ["custom_data.plan"]
    assert set(answer["kept"][0]) == {"field", "reason"}


@pytest.mark.rule("V7")
def test_wrong_proofs_all_get_same_answer(shop):
    shop.identify(**shop.signed("known_1", email="known@example.com"))
    right = shop.hullo.user_hash(shop.app_key, "known_1")
    wrong = [
        right[:-1],
        right.upper(),
        right + "0",
        " ",
        "ä" * 64,
        "0" * 64,
        [right],
        {"hash": right},
        7,
        True,
        "x" * 20_000,
    ]
    answers = {
        (answer.status_code, answer.text)
        for external_id in ("known_1", "unknown_1")
        for user_hash in wrong
        for answer in [shop.identify(external_id=external_id, user_hash=user_hash)]
    }
    answers |= {
        (answer.status_code, answer.text)
        for fields in ({"user_hash": right}, {"token": "e30.e30.x", "external_id": "known_1"})
        for answer in [shop.identify(**fields)]
    }
    assert len(answers) == 1
    status, text = answers.pop()
    assert status == 401
    assert "proof_rejected" in text
    assert "known_1" not in text


@pytest.mark.rule("V7")
def test_wrong_proof_leaves_no_trace(shop):
    token = shop.join()
    assert shop.identify(token, external_id="user_1", user_hash="0" * 64).status_code == 401
    assert shop.get("/me", token).json()["identified"] is False
    assert shop.get("/contacts", shop.api_key()).json()["items"] == []


@pytest.mark.rule("M6")
def test_identify_without_identifier_lists_the_faults(shop):
    answer = shop.identify(email="null", name="Jane", phone="none")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_identifier")
    assert {each["field"] for each in answer.json()["errors"]} == {"email", "phone"}


@pytest.mark.rule("W8")
def test_strict_call_with_fault_refused_whole(shop):
    answer = shop.identify(email="jane@example.com", phone="none", strict=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"] == [{"field": "phone", "reason": "not a phone number"}]


def test_identify_with_unknown_token_is_refused(shop):
    for token in ("hvs_unknown", "garbage", "hvs_" + "x" * 5000):
        assert shop.identify(token, email="jane@example.com").json()["code"] == "session_revoked"
        assert shop.post("/identify", {"email": "jane@example.com"}, token).json()["code"] == "session_revoked"


def test_identify_without_an_app_is_refused(shop):
    assert shop.post("/identify", {"email": "jane@example.com"}).json()["code"] == "unknown_app"


def test_beacon_may_send_all_as_plain_text(shop):
    token = shop.join()
    body = b'{"email": "jane@example.com", "session_token": "%s"}' % token.encode()
    answer = shop.http.post("/hullo/v1/identify", content=body, headers={"content-type": "text/plain"})
    assert answer.status_code == 200
    assert shop.get("/me", token).json()["identified"] is True


def test_answers_carry_our_own_request_id(shop):
    answer = shop.identify(email="jane@example.com", name="x")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    theirs = shop.get("/me", x_request_id="theirs")
    assert theirs.headers["x-request-id"].startswith("req_")


def test_observers_hear_commits_once_and_refusals(backend):
    told = []

    class Listener:
        name = "listener"

        @hookimpl
        def identified(self, outcome):
            told.append(("identified", outcome.request_id))

        @hookimpl
        def identify_refused(self, error, app, request_id):
            told.append((error.code, app.id if app else None, request_id))

    hullo = Hullo("memory:", plugins=[Listener()])
    app_key = hullo.create_app("Shop").app_key
    client = TestClient(IdentityMiddleware(None, hullo), backend=backend)
    done = client.post("/hullo/v1/identify", json={"app_key": app_key, "email": "jane@example.com"})
    wrong = client.post("/hullo/v1/identify", json={"app_key": app_key, "email": "x@y.z", "user_hash": "0"})
    nobody = client.post("/hullo/v1/identify", json={"app_key": app_key})
    nowhere = client.post("/hullo/v1/identify", json={"app_key": "app_x"})
    assert told == [
        ("identified", done.json()["request_id"]),
        ("proof_rejected", app_key, wrong.headers["x-request-id"]),
        ("no_identifier", app_key, nobody.headers["x-request-id"]),
        ("unknown_app", None, nowhere.headers["x-request-id"]),
    ]
