"""A frame of a socket in the form of an HTTP request, so that the HTTP handlers can answer it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import Message, Scope

from hullo.api.bodies import SenderBody
from hullo.api.request import EMPTY_ENVELOPE, Request
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.json import encode_any
from hullo.asgi.response import Header

_HANDSHAKE_HEADERS: Final = frozenset(
    {b"host", b"origin", b"cookie", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"}
)
"""What the handshake says for every frame: where it comes from. Caller and idempotency are stated by each frame."""


def frame_scope(scope: Scope) -> Scope:
    """Build the scope of the HTTP calls that frames of this socket stand for.

    Made anew for each frame: an idle socket keeps nothing for it.
    """
    return {
        "type": "http",
        # Not GET: a cookie counts only where the page's own host is proven by `Origin`, as for every POST.
        "method": "POST",
        "scheme": scope.get("scheme", "ws"),
        "path": scope["path"],
        "query_string": b"",
        "headers": [(name, value) for name, value in scope["headers"] if name in _HANDSHAKE_HEADERS],
        "client": scope.get("client"),
        "path_params": {},
    }


class FrameRequest(Request):
    """Present a frame to the handlers of HTTP calls, which answer it under the same limits.

    `token` is the session's after the call, once a handler has issued or confirmed it: the socket goes on with it and
    needs no cookie. None: no handler did.
    """

    __slots__ = ("token",)

    def __init__(
        self,
        runtime: AsyncRuntime,
        scope: Scope,
        body: Mapping[str, object] | None = None,
        envelope: SenderBody = EMPTY_ENVELOPE,
    ) -> None:
        async def receive() -> Message:
            # The envelope comes last: a frame cannot name another caller than the one that has joined.
            caller = {"app_key": envelope.app_key, "session_token": envelope.session_token}
            return {"type": "http.request", "body": encode_any({**(body or {}), **caller})}

        super().__init__(runtime, frame_scope(scope), receive)
        self.token: str | None = None

    def session_delivery(self, token: str | None) -> tuple[str | None, tuple[Header, ...]]:
        """Keep the token for the socket, and show it to the page unless its cookie holds it already."""
        if token is None:
            return None, ()
        self.token = token
        # No header can be set after the handshake. A token that a cookie keeps from scripts is shown to no script.
        return (None if token == self.cookie_token() else token), ()
