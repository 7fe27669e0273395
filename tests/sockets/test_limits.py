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
