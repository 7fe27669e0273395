"""What is said over a socket, and what is answered."""

from __future__ import annotations

import json

import pytest

from asgi.conftest import PAGE


def test_join_without_session_starts_one(site):
    _, joined = site.join(ref="1")
    assert joined["ref"] == "1"
    assert joined["session_token"].startswith("hvs_")
    assert (joined["identified"], joined["standing"], joined["email_prompt"]) == (False, None, True)
    assert joined["conversations"] == []
    assert "identify" not in joined


@pytest.mark.rule("S1")
def test_join_with_session_resumes_it(site):
    token = site.shop.join()
    _, joined = site.join(token)
    assert joined["session_token"] == token
    assert site.shop.get("/me", token).json()["visitor_id"] == joined["visitor_id"]


def test_join_answer_equals_the_http_answer(site):
    token = site.shop.join()
    _, joined = site.join(token)
    over_http = site.shop.post("/join", {"app_key": site.key, "session_token": token}).json()
    assert joined == {"type": "joined", **over_http}


@pytest.mark.rule("L1")
def test_join_carries_an_identity(site):
    token = site.shop.join()
    site.shop.post("/conversations", {"text": "hello"}, token)
    _, joined = site.join(token, identity={"email": "jane@example.com", "name": "Jane"})
    assert joined["identify"]["identified"] is True
    assert joined["identify"]["linked_conversations"] == 1
    assert "session_token" not in joined["identify"]
    assert (joined["identified"], joined["standing"], joined["email_prompt"]) == (True, "claimed", False)


def test_first_join_with_identity_starts_identified_session(site):
    _, joined = site.join(identity={"email": "jane@example.com"})
    assert joined["identify"]["session_token"] == joined["session_token"]
    assert joined["identified"] is True


def test_wrong_proof_at_join_leaves_visitor_anonymous(site):
    socket, joined = site.join(ref="j", identity={"external_id": "user_1", "user_hash": "0" * 64})
    refusal = socket.hear()
    assert (refusal["type"], refusal["ref"], refusal["about"]) == ("error", "j", "identify")
    assert refusal["code"] == "proof_rejected"
    assert joined["identified"] is False
    assert socket.quiet()


@pytest.mark.rule("S2")
def test_join_with_ended_session_starts_identified_one(site):
    token = site.shop.join()
    site.shop.post("/reset", None, token)
    _, joined = site.join(token, identity={"email": "jane@example.com"})
    assert joined["session_token"] != token
    assert joined["identified"] is True


def test_identify_answers_like_http(site):
    socket, joined = site.join()
    told = socket.ask("identify", ref="x", identity=site.shop.signed("user_1", name="Jane"))
    assert (told.pop("type"), told.pop("ref")) == ("identified", "x")
    again = site.shop.identify(joined["session_token"], **site.shop.signed("user_1", name="Jane")).json()
    assert list(told) == list(again)
    assert told["contact_id"] == again["contact_id"]
    assert told["standing"] == "proven"


@pytest.mark.rule("W8")
def test_bad_field_in_frame_loses_only_itself(site):
    large = "x" * 70_000
    identity = {"email": "jane@example.com", "name": "half an \ud83d", "custom_data": {"bio": large}}
    socket = site.connect()
    # Escaped, as browsers send it: no text frame holds half a character.
    socket.connection.send_text(json.dumps({"type": "join", "app_key": site.key, "identity": identity}))
    told = [socket.hear()["identify"]]
    socket.connection.send_text(json.dumps({"type": "identify", "identity": identity}))
    told.append(socket.hear())
    for answer in told:
        assert answer["identified"] is True
        assert [fault["field"] for fault in answer["rejected"]] == ["name", "custom_data"]
    deep = '{"type": "identify", "identity": {"email": "jane@example.com", "name": ' + "[" * 3000 + "]" * 3000 + "}}"
    socket.connection.send_text(deep)
    assert [fault["field"] for fault in socket.hear()["rejected"]] == ["name"]
    socket.say("identify", identity={"email": "jane@example.com", "name": large})
    assert socket.closed()[0] == 4413


@pytest.mark.parametrize("field", ["ref", "after", "text"])
def test_half_emoji_outside_identity_closes_socket(site, field):
    socket, _ = site.join()
    said = {"type": "message" if field == "text" else "identify", "identity": {}, field: "\ud83d"}
    socket.connection.send_text(json.dumps(said))
    assert socket.closed()[0] == 4400


@pytest.mark.rule("C5")
def test_user_switch_continues_with_new_session(site):
    socket, joined = site.join(identity=site.shop.signed("user_1"))
    told = socket.ask("identify", identity=site.shop.signed("user_2"))
    assert told["switched"] is True
    assert told["session_token"] != joined["session_token"]
    assert socket.quiet()
    said = socket.ask("message", text="it is me", client_id="1")
    mine = site.shop.get("/conversations", told["session_token"]).json()["items"]
    assert [each["id"] for each in mine] == [said["conversation_id"]]


@pytest.mark.rule("S2")
def test_reset_ends_session_and_keeps_socket(site):
    socket, joined = site.join(identity={"email": "jane@example.com"})
    told = socket.ask("reset", ref="r")
    assert (told["type"], told["ref"], told["identified"]) == ("was_reset", "r", False)
    assert told["visitor_id"] != joined["visitor_id"]
    assert site.shop.get("/me", joined["session_token"]).json()["code"] == "session_revoked"
    assert site.shop.get("/me", told["session_token"]).status_code == 200
    assert socket.quiet()


def test_messages_start_and_continue_a_conversation(site):
    socket, joined = site.join()
    first = socket.ask("message", ref="1", text="hello", client_id="a")
    assert (first["type"], first["ref"], first["author"], first["client_id"]) == ("message", "1", "visitor", "a")
    second = socket.ask("message", text="again", client_id="b", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    path = f"/conversations/{first['conversation_id']}/messages"
    listed = site.shop.get(path, joined["session_token"]).json()["items"]
    assert [each["text"] for each in listed] == ["again", "hello"]
    assert socket.quiet()  # nobody is told of their own message twice


def test_repeated_message_is_the_same_message(site):
    socket, _ = site.join()
    first = socket.ask("message", text="hello", client_id="a")
    assert socket.ask("message", text="hello", client_id="a") == first


def test_message_in_foreign_conversation_is_refused(site):
    other, _ = site.join()
    theirs = other.ask("message", text="secret", client_id="1")["conversation_id"]
    socket, _ = site.join()
    for conversation_id in (theirs, "cnv_none", "../../x"):
        refusal = socket.ask("message", text="hello", client_id="1", conversation_id=conversation_id)
        assert (refusal["type"], refusal["code"]) == ("error", "not_found")
    assert other.quiet()


def test_bad_message_is_reported_and_socket_stays(site):
    socket, _ = site.join()
    refusal = socket.ask("message", ref="m", text="", client_id="1")
    assert (refusal["type"], refusal["ref"], refusal["code"]) == ("error", "m", "invalid")
    assert refusal["errors"] == [{"field": "text", "reason": "is empty"}]
    assert socket.quiet()


def test_ping_is_answered(site):
    socket, _ = site.join()
    assert socket.ask("ping") == {"type": "pong"}


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": "join", "type": "join"}',
        '{"type": "ping"}',
        '{"type": "join", "ref": 7}',
        '{"type": "join", "app_key": 7}',
        '{"type": "join", "after": {}}',
    ],
)
def test_first_frame_other_than_join_closes_socket(site, frame):
    socket = site.connect()
    socket.connection.send_text(frame)
    assert socket.closed()[0] == 4400


@pytest.mark.parametrize(
    "frame",
    ['{"type": "shout"}', '{"type": "join", "app_key": "app_"}', "{", '{"type": "identify", "identity": "jane"}'],
)
def test_unknown_frame_closes_the_socket(site, frame):
    socket, _ = site.join()
    socket.connection.send_text(frame)
    assert socket.closed() == (4400, "bad_frame")


def test_bytes_frame_is_refused(site):
    socket = site.connect()
    socket.connection.send_bytes(json.dumps({"type": "join", "app_key": site.key}).encode())
    assert socket.closed()[0] == 4400


def test_frame_over_32_kib_is_refused(site):
    socket, _ = site.join()
    empty = json.dumps({"type": "ping", "ref": ""})
    socket.connection.send_text(json.dumps({"type": "ping", "ref": "x" * (32 * 1024 - len(empty))}))
    assert socket.hear()["type"] == "pong"
    socket.connection.send_text(json.dumps({"type": "ping", "ref": "x" * (32 * 1024 - len(empty) + 1)}))
    assert socket.closed() == (4413, "too_large")


@pytest.mark.parametrize("app_key", ["app_unknown", "", None])
def test_unknown_app_refuses_the_socket(site, app_key):
    socket = site.connect()
    socket.say("join", app_key=app_key)
    assert socket.closed() == (4403, "unknown_app")


def test_unlisted_page_is_refused(site):
    socket = site.connect(origin="https://evil.example.com")
    socket.say("join", app_key=site.key, identity={"email": "jane@example.com"})
    assert socket.closed() == (4403, "bad_origin")
    listed = site.shop.get("/contacts", site.shop.api_key()).json()["items"]
    assert listed == []


def test_listed_page_joins(site):
    socket = site.connect(origin=PAGE)
    assert socket.ask("join", app_key=site.key)["type"] == "joined"


@pytest.mark.rule("S2")
@pytest.mark.parametrize("kept", ["in a cookie", "in the frame"])
def test_ended_session_with_identity_gets_new_token(site, kept):
    own_page = str(site.shop.http.base_url)
    site.shop.hullo.register.change_app(site.key, {"origins": own_page})
    over = site.shop.join()
    site.shop.post("/reset", None, over)
    cookie, token = (f"hullo_session={over}", None) if kept == "in a cookie" else ("", over)
    socket = site.connect(origin=own_page, cookie=cookie)
    joined = socket.ask("join", app_key=site.key, session_token=token, identity={"email": "jane@example.com"})
    assert joined["identify"]["standing"] == "claimed"
    assert joined["session_token"] not in {None, over}
    assert socket.quiet()


def test_other_paths_take_no_sockets(site):
    with pytest.raises(Exception, match=r"^$|1000|403"), site.shop.http.websocket_connect("/hullo/v1/nothing"):
        pytest.fail("it was accepted")
