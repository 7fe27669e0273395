"""A client that does not read is cut off, and nothing is kept for it without end."""

from __future__ import annotations

import json

import anyio
import pytest

from hullo import Hullo, IdentityMiddleware
from hullo.realtime import connection
from hullo.realtime.connection import Connection
from hullo.realtime.session import MAX_QUEUED_FRAMES
from hullo.realtime.updates import SocketUpdate

SCOPE = {
    "type": "websocket",
    "path": "/hullo/v1/socket",
    "query_string": b"",
    "headers": [],
    "client": ("127.0.0.1", 1),
}


async def nothing(scope, receive, send):
    raise AssertionError("this is hullo's own path")


class Deaf:
    """A client that has read the answer to its join, and then takes nothing more."""

    def __init__(self, app_key: str):
        self.joining = [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": json.dumps({"type": "join", "app_key": app_key})},
        ]
        self.joined = anyio.Event()
        self.told: list[dict] = []

    async def receive(self):
        if self.joining:
            return self.joining.pop(0)
        await anyio.sleep_forever()

    async def send(self, message):
        if self.joined.is_set():
            await anyio.sleep_forever()
        self.told.append(message)
        if message["type"] == "websocket.send":
            self.joined.set()


@pytest.fixture
def hullo():
    with Hullo("memory:") as hullo:
        yield hullo


@pytest.fixture(params=["asyncio", "trio"])
def backend(request):
    return request.param


def test_unread_frame_ends_the_connection(hullo, backend, monkeypatch):
    monkeypatch.setattr(connection, "SEND_TIMEOUT", 0.05)

    def tell(connected: Connection):
        connected.receive_update(message_update(connected, "msg_1"))

    assert ends(hullo, backend, monkeypatch, tell)


def test_full_send_buffer_ends_the_connection(hullo, backend, monkeypatch):
    def tell(connected: Connection):
        for number in range(MAX_QUEUED_FRAMES * 3):
            connected.receive_update(message_update(connected, f"msg_{number}"))
        assert len(connected._outgoing) <= MAX_QUEUED_FRAMES

    assert ends(hullo, backend, monkeypatch, tell)


def message_update(connected: Connection, message_id: str) -> SocketUpdate:
    session = connected.session
    return SocketUpdate(session_digest=session.digest, session=session, messages=[(message_id, "{}")])


def ends(hullo, backend, monkeypatch, tell) -> bool:
    """Whether the connection of a client that has joined is over, some time after it was told this."""
    monkeypatch.setattr(connection, "CLOSE_TIMEOUT", 0.05)
    app = IdentityMiddleware(nothing, hullo)
    client = Deaf(hullo.create_app("Shop").app_key)

    async def live():
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(app, SCOPE, client.receive, client.send)
                await client.joined.wait()
                (connected,) = app._sockets.connections._connected
                tell(connected)
            return not app._sockets.connections._connected

    return anyio.run(live, backend=backend)
