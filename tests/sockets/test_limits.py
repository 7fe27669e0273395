"""How much one client may do, and what becomes of whoever says nothing or reads nothing."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hullo import Hullo
from hullo.realtime import session
from hullo.settings import RateLimits, Settings
from sockets.site import Site


@pytest.fixture
def limited(serve):
    with ExitStack() as sockets:

        def begin(**limits):
            return Site(
                serve(Hullo("memory:", settings=Settings(rate_limits=RateLimits(**limits))), "asyncio"), sockets
            )

        yield begin


def test_socket_without_join_is_closed(site, monkeypatch):
    monkeypatch.setattr(session, "JOIN_TIMEOUT", 0.05)
    assert site.connect().closed() == (4408, "no_join")


def test_too_many_frames_close_the_socket(limited):
    site = limited(frames_per_socket=5)
    socket, _ = site.join()
    for _ in range(4):
        assert socket.ask("ping") == {"type": "pong"}
    socket.say("ping")
    assert socket.closed() == (4429, "rate_limited")


def test_frames_are_not_counted_without_limits(limited):
    socket, _ = limited(on=False, frames_per_socket=1).join()
    assert socket.quiet()


def test_sockets_per_address_are_limited_until_closed(limited):
    site = limited(sockets_per_address=2)
    first, _ = site.join()
    site.join()
    assert site.connect().closed() == (4429, "too_many_sockets")
    first.connection.close()
    site.join()


def test_socket_counts_as_call_of_its_address(limited):
    site = limited(calls_per_address=2)
    site.join()
    site.join()
    assert site.connect().closed() == (4429, "rate_limited")


def test_join_over_session_limit_closes_socket(limited):
    site = limited(sessions_per_address=1)
    site.join()
    socket = site.connect()
    socket.say("join", app_key=site.key)
    assert socket.closed() == (4429, "rate_limited")


def test_identify_frames_count_as_session_calls(limited):
    site = limited(identifies_per_session=1)
    socket, _ = site.join()
    assert socket.ask("identify", identity={"email": "jane@example.com"})["type"] == "identified"
    refusal = socket.ask("identify", ref="2", identity={"email": "jane@example.com", "name": "Jane"})
    assert (refusal["type"], refusal["ref"], refusal["code"]) == ("error", "2", "rate_limited")
    assert refusal["retry_after"] > 0
    assert socket.quiet()


def test_store_outage_at_join_says_retry(site, monkeypatch):
    from hullo.errors import StoreUnavailable

    socket = site.connect()

    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(site.shop.hullo.store, "load", away)
    monkeypatch.setattr(site.shop.hullo.store, "find_app", away)
    socket.say("join", app_key=site.key)
    assert socket.closed() == (1013, "unavailable")


def test_writing_frames_count_like_http_calls(limited):
    site = limited(calls_per_address=6)
    socket, _ = site.join()
    message = socket.ask("message", text="hello", client_id="1")
    read = {"conversation_id": message["conversation_id"], "ref": "r"}
    assert socket.ask("read", **read)["type"] == "read"
    assert socket.ask("identify", identity={"email": "jane@example.com"})["type"] == "identified"
    assert socket.ask("reset")["type"] == "was_reset"
    assert site.shop.http.get("/hullo/v1/me").status_code == 401
    frames = {"identify": {"identity": {"email": "joe@example.com"}}, "message": {"text": "again"}, "read": read}
    for kind, fields in {**frames, "reset": {}}.items():
        refusal = socket.ask(kind, **fields)
        assert (refusal["type"], refusal["code"]) == ("error", "rate_limited"), kind
        assert 0 < refusal["retry_after"] <= 60
    assert socket.quiet()
    assert site.shop.http.get("/hullo/v1/me").status_code == 429


def test_identity_in_join_counts_as_call(limited):
    site = limited(calls_per_address=2)
    site.join(identity={"email": "jane@example.com"})
    assert site.connect().closed() == (4429, "rate_limited")


def test_refused_identify_frame_reaches_observers(limited):
    site = limited(calls_per_address=1)
    seen = []
    site.shop.hullo.hooks.identify_refused = lambda error, app, _: seen.append((error.code, app.id))
    socket, _ = site.join()
    assert socket.ask("identify", identity={"email": "jane@example.com"})["code"] == "rate_limited"
    assert seen == [("rate_limited", site.key)]


def test_messages_of_session_are_limited_everywhere(limited):
    site = limited(messages_per_session=2)
    socket, joined = site.join()
    first = socket.ask("message", text="one", client_id="1")
    path = f"/conversations/{first['conversation_id']}/messages"

    def post(text):
        return site.shop.post(path, {"text": text}, joined["session_token"])

    assert post("two").status_code == 200
    assert socket.hear()["text"] == "two"
    refusal = socket.ask("message", text="three", conversation_id=first["conversation_id"])
    assert (refusal["code"], refusal["retry_after"] > 0) == ("rate_limited", True)
    assert post("three").status_code == 429
    repeat = socket.ask("message", text="one", client_id="1", ref="again")
    assert (repeat["type"], repeat["id"]) == ("message", first["id"])
    assert site.join()[0].ask("message", text="mine")["type"] == "message"


def test_sockets_per_visitor_are_limited_until_closed(limited):
    site = limited(sockets_per_visitor=2)
    first, joined = site.join()
    token = joined["session_token"]
    second, _ = site.join(token)
    third = site.connect()
    third.say("join", app_key=site.key, session_token=token)
    assert third.closed() == (4429, "too_many_sockets")
    site.join()
    assert first.ask("message", text="hello")["type"] == "message"
    assert second.hear()["text"] == "hello"
    first.connection.close()
    assert second.quiet()
    site.join(token)
