"""Rules R: whatever is killed in the middle, a server of hullo's or its database."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from cli.serving import Server
from hullo.application import Hullo
from races.callers import Crowd, check, new_app
from servers.fixtures import Kind, require_private

RECOVERY = 5.0
"""Seconds after a database is back within which everybody is served again."""


@pytest.mark.slow
@pytest.mark.rule("R3")
def test_killed_server_keeps_every_answered_write_whole(url: str, serve: Callable[[str, int], list[Server]]) -> None:
    app = new_app(url)
    for after in (1, 30, 90):
        (server,) = serve(url, 1)
        crowd = Crowd([server.url], app)
        crowd.wait_for(after)
        server.process.send_signal(signal.SIGKILL)
        server.wait()
        answered = crowd.stop()
        assert answered.refused <= {0}
        with Hullo(url) as hullo:
            check(hullo.store, app, answered)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_restarted_database_is_reused_and_loses_nothing(kind: Kind, serve: Callable[[str, int], list[Server]]) -> None:
    with require_private(kind) as database:
        app = new_app(database.url)
        servers = serve(database.url, 2)
        crowd = Crowd([server.url for server in servers], app)
        crowd.wait_for(10)
        for end in (database.stop, database.kill):
            end()
            time.sleep(0.3)  # in which everybody finds it gone
            database.start()
            back = time.monotonic()
            crowd.wait_for(1)
            for server in servers:
                while server.call("GET", "/hullo/readyz").status != 200:
                    assert time.monotonic() < back + RECOVERY
            crowd.wait_for(20)
            assert time.monotonic() - back < RECOVERY
        answered = crowd.stop()
        assert answered.refused <= {503}
        assert answered.refused, "nobody noticed that it was gone"
        with Hullo(database.url) as hullo:
            check(hullo.store, app, answered)
