"""Sockets of real server processes: word from one to another, readers that do not read, servers that end."""

from __future__ import annotations

import json
import signal
import socket as network
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from cli.conftest import start, terminal
from cli.serving import PATIENCE, Server
from databases import Databases
from hullo import Hullo
from servers.fixtures import require_private_redis

__all__ = ["start", "terminal"]

Start = Callable[..., Server]


class Two:
    """Two processes over one database, and an app."""

    def __init__(self, url: str, start: Start, **environment: str) -> None:
        with Hullo(url) as hullo:
            self.app_key = hullo.create_app("Shop").app_key
            self.api_key = hullo.create_api_key().secret
        self.servers = [start(HULLO_DB=url, **environment).ready() for _ in range(2)]

    def join(self, server: Server, sockets: ExitStack, token: str | None = None) -> tuple[ClientConnection, Any]:
        socket = sockets.enter_context(connect(_address(server), max_queue=None))
        _say(socket, type="join", app_key=self.app_key, session_token=token)
        return socket, _hear(socket)


def _address(server: Server) -> str:
    return f"{server.url.replace('http', 'ws')}/hullo/v1/socket"


def _say(socket: ClientConnection, **frame: Any) -> None:
    socket.send(json.dumps(frame))


def _hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=PATIENCE))


def _closed(socket: ClientConnection) -> int | None:
    """The code of the server, after whatever it still tells."""
    try:
        while True:
            socket.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


@pytest.fixture(params=["postgresql", "redis"])
def two(request: pytest.FixtureRequest, databases: Databases, start: Start, tmp_path: Any) -> Iterator[Two]:
    """Over PostgreSQL's own notifications, and over SQLite with a Redis beside it."""
    if request.param == "postgresql":
        yield Two(databases.shared("postgresql"), start)
        return
    with require_private_redis() as redis:
        yield Two(f"sqlite:///{tmp_path}/hullo.db", start, HULLO_BUS=redis.url)


def test_message_reaches_sockets_of_another_process(two):
    one, other = two.servers
    with ExitStack() as sockets:
        here, joined = two.join(one, sockets)
        there, _ = two.join(other, sockets, joined["session_token"])
        _say(here, type="message", text="hello", client_id="1", ref="1")
        said = _hear(here)
        assert _hear(there)["id"] == said["id"]
        path = f"/hullo/v1/conversations/{said['conversation_id']}/messages"
        other.call("POST", path, {"text": "hello yourself"}, Authorization=f"Bearer {two.api_key}")
        assert [_hear(each)["text"] for each in (here, there)] == ["hello yourself"] * 2


@pytest.mark.rule("S4")
def test_session_end_closes_sockets_of_another_process(two):
    one, other = two.servers
    with ExitStack() as sockets:
        here, joined = two.join(one, sockets)
        one.call("GET", "/hullo/healthz")
        other.call("POST", "/hullo/v1/reset", {}, Authorization=f"Bearer {joined['session_token']}")
        assert _closed(here) == 4401


@pytest.fixture
def alone(start: Start, tmp_path: Any) -> tuple[Server, str]:
    url = f"sqlite:///{tmp_path}/hullo.db"
    with Hullo(url) as hullo:
        app_key = hullo.create_app("Shop").app_key
    return start(HULLO_DB=url, HULLO_LIMITS="off").ready(), app_key


def test_stopped_server_asks_sockets_to_reconnect(alone):
    server, app_key = alone
    with connect(_address(server)) as socket:
        _say(socket, type="join", app_key=app_key)
        assert _hear(socket)["type"] == "joined"
        server.process.send_signal(signal.SIGTERM)
        assert _closed(socket) == 1012
        assert server.wait() == 0


@pytest.mark.slow
def test_slow_reader_blocks_no_other_socket(alone):
    server, app_key = alone
    token = server.call("POST", "/hullo/v1/join", {"app_key": app_key}).json["session_token"]
    with ExitStack() as sockets:
        deaf = sockets.enter_context(_deaf(server))
        quick = sockets.enter_context(connect(_address(server), max_queue=None))
        for socket in (deaf, quick):
            _say(socket, type="join", app_key=app_key, session_token=token)
        assert _hear(quick)["type"] == "joined"
        spoken = server.call("POST", "/hullo/v1/conversations", {"text": "x"}, Authorization=f"Bearer {token}").json
        assert _hear(quick)["text"] == "x"
        path = f"/hullo/v1/conversations/{spoken['id']}/messages"
        for number in range(100):
            text = f"{number} {'y' * 7900}"
            server.call("POST", path, {"text": text}, Authorization=f"Bearer {token}")
            assert _hear(quick)["text"] == text


def _deaf(server: Server) -> ClientConnection:
    """A client that takes a few kilobytes into its buffers, and reads nothing."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    raw = network.socket()
    raw.setsockopt(network.SOL_SOCKET, network.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    return connect(_address(server), sock=raw, max_queue=1, ping_interval=None)
