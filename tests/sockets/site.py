"""A shop, and visitors who stay connected to it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import anyio

from asgi.conftest import Shop

PATH = "/hullo/v1/socket"
PATIENCE = 30.0
"""Seconds that anything may take on a busy machine."""


class Socket:
    """A client's end."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send_json({"type": kind, **fields})

    def hear(self) -> dict[str, Any]:
        """The next frame, as soon as it comes."""
        message = self._receive()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.say(kind, **fields)
        return self.hear()

    def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed it; whatever it still tells is passed over."""
        while True:
            message = self._receive()
            if message["type"] == "websocket.close":
                return message["code"], message.get("reason", "")

    def _receive(self) -> Any:
        """Starlette's own would wait for ever."""

        async def receive() -> Any:
            with anyio.fail_after(PATIENCE):
                return await self.connection._send_rx.receive()

        return self.connection.portal.call(receive)

    def quiet(self) -> bool:
        """Whether nothing was told until now."""
        return self.ask("ping", ref="quiet?") == {"type": "pong", "ref": "quiet?"}


class Site:
    """A shop, and the sockets of its visitors."""

    def __init__(self, shop: Shop, sockets: ExitStack) -> None:
        self.shop = shop
        self.key = shop.app_key
        self._sockets = sockets

    def connect(self, **headers: str) -> Socket:
        return Socket(self._sockets.enter_context(self.shop.http.websocket_connect(PATH, headers=headers)))

    def join(self, token: str | None = None, **fields: Any) -> tuple[Socket, dict[str, Any]]:
        socket = self.connect()
        joined = socket.ask("join", app_key=self.key, session_token=token, **fields)
        assert joined["type"] == "joined", joined
        return socket, joined

    def reply(self, conversation_id: str, text: str) -> dict[str, Any]:
        """An agent says something."""
        answer = self.shop.post(f"/conversations/{conversation_id}/messages", {"text": text}, self.shop.api_key())
        assert answer.status_code == 200, answer.text
        return answer.json()
