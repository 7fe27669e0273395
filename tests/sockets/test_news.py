"""What others say is told at once: to whom it concerns, once, and in order."""

from __future__ import annotations

import pytest

from asgi.conftest import PAGE
from hullo import Hullo
from hullo.bus.notice import Notice
from hullo.realtime import registry


def test_agent_reply_reaches_the_visitor(site):
    socket, _ = site.join()
    said = socket.ask("message", text="hello", client_id="1")
    reply = site.reply(said["conversation_id"], "hello yourself")
    # Which key wrote is for agents.
    seen = {name: value for name, value in reply.items() if name != "by"}
    assert socket.hear() == {"type": "message", "conversation_id": said["conversation_id"], **seen}
    assert socket.quiet()


def test_message_reaches_other_tabs_but_not_sender(site):
    socket, joined = site.join()
    other, _ = site.join(joined["session_token"])
    said = socket.ask("message", ref="1", text="hello", client_id="a")
    assert other.hear() == {name: value for name, value in said.items() if name != "ref"}
    assert socket.quiet()


def test_http_message_reaches_sockets(site):
    socket, joined = site.join()
    begun = site.shop.post("/conversations", {"text": "hello"}, joined["session_token"]).json()
    assert socket.hear()["conversation_id"] == begun["id"]


def test_replies_arrive_in_their_order(site):
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    texts = [f"reply {number}" for number in range(20)]
    for text in texts:
        site.reply(conversation_id, text)
    assert [socket.hear()["text"] for _ in texts] == texts


@pytest.mark.rule("H1")
def test_message_does_not_reach_other_visitors(site):
    stranger, _ = site.join()
    socket, _ = site.join()
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    site.reply(conversation_id, "hello yourself")
    assert socket.hear()["author"] == "agent"
    assert stranger.quiet()


@pytest.mark.rule("H1")
def test_replies_reach_proven_devices_but_not_claims(site):
    phone, _ = site.join(identity=site.shop.signed("user_1"))
    laptop, _ = site.join(identity=site.shop.signed("user_1"))
    claimed, _ = site.join(identity={"external_id": "user_1"})
    said = phone.ask("message", text="hello", client_id="1")
    assert laptop.hear()["text"] == "hello"
    site.reply(said["conversation_id"], "hello yourself")
    assert laptop.hear()["text"] == "hello yourself"
    assert claimed.quiet()


@pytest.mark.rule("H1")
def test_visitor_proven_while_connected_gets_later_messages(site):
    phone, _ = site.join(identity=site.shop.signed("user_1"))
    laptop, _ = site.join()
    laptop.ask("identify", identity=site.shop.signed("user_1"))
    phone.ask("message", text="hello", client_id="1")
    assert laptop.hear()["text"] == "hello"


@pytest.mark.rule("H1")
def test_visitor_proven_in_another_tab_gets_messages(site):
    phone, _ = site.join(identity=site.shop.signed("user_1"))
    laptop, joined = site.join()
    site.shop.identify(joined["session_token"], **site.shop.signed("user_1"))
    phone.ask("message", text="hello", client_id="1")
    assert laptop.hear()["text"] == "hello"


@pytest.mark.rule("H1")
def test_visitor_proven_just_before_message_gets_it(site, monkeypatch):
    phone, _ = site.join(identity=site.shop.signed("user_1"))
    laptop, joined = site.join()
    bus, held = site.shop.hullo.bus, list[Notice]()
    with monkeypatch.context() as slow:
        slow.setattr(bus, "publish", held.extend)
        site.shop.identify(joined["session_token"], **site.shop.signed("user_1"))
        phone.ask("message", text="hello", client_id="1")
    bus.publish(held)
    assert laptop.hear()["text"] == "hello"


@pytest.mark.rule("S6", "S4")
def test_nobody_over_socket_ends_identity(site):
    socket, joined = site.join(identity=site.shop.signed("user_1"))
    other, _ = site.join(joined["session_token"])
    left = socket.ask("identify", identity={"nobody": True}, ref="1")
    assert (left["type"], left["ref"], left["identified"], left["switched"]) == ("identified", "1", False, True)
    assert other.closed() == (4401, "session_revoked")
    # The socket goes on with the new visitor.
    assert socket.ask("message", text="hello", client_id="1")["author"] == "visitor"
    assert site.shop.get("/me", left["session_token"]).json()["identified"] is False
    _, guest = site.join(left["session_token"], identity={"nobody": True})
    assert (guest["identify"]["switched"], guest["visitor_id"]) == (False, left["visitor_id"])


@pytest.mark.rule("H4", "S4")
@pytest.mark.parametrize("ending", ["?conversations=erase", "/sessions"])
def test_claimants_socket_outlives_erasure_and_logout(site, ending):
    owner, _ = site.join(identity=site.shop.signed("user_1"))
    claimant, _ = site.join(identity={"external_id": "user_1"})
    key = site.shop.api_key()
    contact = site.shop.get("/contacts?external_id=user_1", key).json()["items"][0]["id"]
    headers = {"authorization": f"Bearer {key}"}
    assert site.shop.http.delete(f"/hullo/v1/contacts/{contact}{ending}", headers=headers).status_code == 200
    assert owner.closed() == (4401, "session_revoked")
    assert claimant.quiet()
    again = claimant.ask("identify", identity={"external_id": "user_1"})
    assert (again["standing"], again["switched"]) == ("claimed", False)


@pytest.mark.rule("S4")
def test_reset_elsewhere_closes_the_sessions_sockets(site):
    socket, joined = site.join()
    site.shop.post("/reset", None, joined["session_token"])
    assert socket.closed() == (4401, "session_revoked")


@pytest.mark.rule("S4")
def test_reset_over_socket_closes_the_other_sockets(site):
    socket, joined = site.join()
    other, _ = site.join(joined["session_token"])
    assert socket.ask("reset")["type"] == "was_reset"
    assert other.closed()[0] == 4401
    assert socket.quiet()


@pytest.mark.rule("S4", "S5")
def test_reset_closes_sockets_behind_hops(site):
    _, shop = site.join(identity=site.shop.signed("user_1"))
    token = site.shop.post("/identity-token", {}, shop["session_token"]).json()["token"]
    socket, joined = site.join(identity={"identity_token": token})
    assert joined["standing"] == "proven"
    site.shop.post("/reset", None, shop["session_token"])
    assert socket.closed() == (4401, "session_revoked")


@pytest.mark.rule("S4", "C5")
def test_user_switch_in_another_tab_closes_sockets(site):
    socket, joined = site.join(identity=site.shop.signed("user_1"))
    site.shop.identify(joined["session_token"], **site.shop.signed("user_2"))
    assert socket.closed()[0] == 4401


@pytest.mark.rule("S4")
def test_logout_everywhere_closes_the_sockets(site):
    sockets = [site.join(identity=site.shop.signed("user_1"))[0] for _ in range(2)]
    key = site.shop.api_key()
    contact_id = site.shop.get("/contacts", key).json()["items"][0]["id"]
    stranger, _ = site.join()
    answer = site.shop.http.delete(
        f"/hullo/v1/contacts/{contact_id}/sessions", headers={"authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200
    assert [socket.closed()[0] for socket in sockets] == [4401, 4401]
    assert stranger.quiet()


@pytest.mark.rule("S4", "P2")
def test_erased_visitor_is_disconnected(site):
    socket, joined = site.join(identity=site.shop.signed("user_1"))
    key = site.shop.api_key()
    contact_id = joined["identify"]["contact_id"]
    site.shop.http.delete(f"/hullo/v1/contacts/{contact_id}", headers={"authorization": f"Bearer {key}"})
    assert socket.closed()[0] == 4401


@pytest.mark.rule("G1", "L4")
def test_merged_visitor_gets_survivors_messages(site):
    first, one = site.join(identity=site.shop.signed("user_1"))
    signature = site.shop.hullo.user_hash(site.key, "jane@example.com")
    second, two = site.join(identity={"email": "jane@example.com", "user_hash": signature})
    assert two["standing"] == "proven", two
    key = site.shop.api_key()
    body = {"absorb": two["identify"]["contact_id"]}
    merged = site.shop.post(f"/contacts/{one['identify']['contact_id']}/merge", body, key)
    assert merged.status_code == 200, merged.text
    first.ask("message", text="hello", client_id="1")
    assert second.hear()["text"] == "hello"


def test_read_notice_reaches_only_other_tabs(site):
    socket, joined = site.join()
    other, _ = site.join(joined["session_token"])
    conversation_id = socket.ask("message", text="hello", client_id="1")["conversation_id"]
    site.reply(conversation_id, "hello yourself")
    assert [socket.hear()["author"], other.hear()["author"], other.hear()["author"]] == ["agent", "visitor", "agent"]
    assert site.shop.get("/conversations", joined["session_token"]).json()["items"][0]["unread"] is True
    socket.say("read", conversation_id=conversation_id)
    assert socket.quiet()
    assert other.hear() == {"type": "read", "conversation_id": conversation_id}
    assert site.shop.get("/conversations", joined["session_token"]).json()["items"][0]["unread"] is False
    assert socket.ask("read", ref="r", conversation_id=conversation_id)["ref"] == "r"
    assert other.quiet()


def test_foreign_conversation_cannot_be_read(site):
    theirs = site.join()[0].ask("message", text="hello", client_id="1")["conversation_id"]
    socket, _ = site.join()
    assert socket.ask("read", conversation_id=theirs)["code"] == "not_found"


def test_returning_visitor_gets_missed_messages(site):
    socket, joined = site.join()
    first = socket.ask("message", text="hello", client_id="1")
    socket.connection.close()
    for text in ("one", "two"):
        site.reply(first["conversation_id"], text)
    back, _ = site.join(joined["session_token"], after=first["id"])
    assert [back.hear()["text"] for _ in range(2)] == ["one", "two"]
    assert back.quiet()


def test_join_without_cursor_gets_no_old_messages(site):
    socket, joined = site.join()
    _talk(site, socket)
    back, _ = site.join(joined["session_token"])
    assert back.quiet()


@pytest.mark.parametrize("after", ["msg_", "x", "msg_" + "!" * 26, "msg_" + "0" * 5000])
def test_invalid_cursor_gets_no_messages(site, after):
    socket, joined = site.join()
    _talk(site, socket)
    back, _ = site.join(joined["session_token"], after=after)
    assert back.quiet()


@pytest.mark.rule("S4")
def test_missed_notice_is_found_by_polling(site, monkeypatch):
    monkeypatch.setattr(registry, "CHECK_INTERVAL", 0.05)
    monkeypatch.setattr(site.shop.hullo.bus, "publish", lambda notices: None)
    socket, joined = site.join()
    site.shop.post("/reset", None, joined["session_token"])
    assert socket.closed()[0] == 4401


def test_page_removed_from_app_is_disconnected(site, monkeypatch):
    monkeypatch.setattr(registry, "CHECK_INTERVAL", 0.05)
    page, phone = site.connect(origin=PAGE), site.connect()
    for socket in (page, phone):
        assert socket.ask("join", app_key=site.key)["type"] == "joined"
    site.shop.hullo.register.change_app(site.key, {"origins": "https://another.example.com"})
    assert page.closed() == (4403, "bad_origin")
    assert phone.quiet()


def test_hullo_without_sockets_listens_to_nothing(serve):
    shop = serve(Hullo("memory:"), "asyncio")
    shop.post("/join", {"app_key": shop.app_key})
    assert not shop.hullo.bus._subscribers._subscribers


def _talk(site, socket):
    """A message and its reply; once that is heard, both are old."""
    said = socket.ask("message", text="hello", client_id="1")
    site.reply(said["conversation_id"], "hello yourself")
    assert socket.hear()["author"] == "agent"
