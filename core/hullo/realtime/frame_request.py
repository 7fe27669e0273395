"""One frame of a socket, as the handlers of calls see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import Message, Scope

from hullo.api.request import Request
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.json import encode
from hullo.asgi.response import Header

_HANDSHAKE_HEADERS: Final = frozenset({b"host", b"origin", b"cookie", b"x-forwarded-for"})
"""What the handshake says for every frame: where it comes from. Who is calling, and how often, each frame says."""


def frame_scope(scope: Scope) -> Scope:
    """The scope of the calls that frames of this socket are. Made for each: an idle socket keeps nothing for it."""
    return {
        "type": "http",
        "method": "POST",  # a cookie counts where a page of this very host says that it calls
        "path": scope["path"],
        "query_string": b"",
        "headers": [(name, value) for name, value in scope["headers"] if name in _HANDSHAKE_HEADERS],
        "client": scope.get("client"),
        "path_params": {},
    }


class FrameRequest(Request):
    """What a frame asks is what a call asks: the same handlers answer it, under the same limits.

    `token` is the session's from then on, once a handler has told it: a socket goes on with it, and needs no cookie.
    """

    __slots__ = ("token",)

    def __init__(self, runtime: AsyncRuntime, scope: Scope, body: Mapping[str, object]) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": encode(body)}

        super().__init__(runtime, scope, receive)
        self.token: str | None = None

    def session_delivery(self, token: str | None) -> tuple[str | None, tuple[Header, ...]]:
        """No header can be set any more. What a cookie holds already is told to no script."""
        if token is None:
            return None, ()
        self.token = token
        return (None if token == self.cookie_token() else token), ()
