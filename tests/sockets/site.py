"""A shop, and visitors who stay connected to it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from asgi.conftest import Shop

PATH = "/hullo/v1/socket"


class Socket:
    """A client's end."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send_json({"type": kind, **fields})

    def hear(self) -> dict[str, Any]:
        """The next frame, whenever it comes."""
        return self.connection.receive_json()

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        self.say(kind, **fields)
        return self.hear()

    def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed it; whatever it still tells is passed over."""
        while True:
            message = self.connection.receive()
            if message["type"] == "websocket.close":
                return message["code"], message.get("reason", "")

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
