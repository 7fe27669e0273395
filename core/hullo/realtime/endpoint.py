"""The ASGI application at `/v1/socket`."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import Receive, Scope, Send

from hullo.api.runtime import AsyncRuntime
from hullo.realtime.connection import Connection
from hullo.realtime.handlers import FrameHandlers


class SocketEndpoint:
    """Lives through one socket at each call. Never raises for anything that a client does."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        self._runtime = runtime
        self._handlers = FrameHandlers()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not a coroutine of its own, whose frame every idle socket would keep.
        return Connection(self._runtime, scope, receive, send).serve(self._handlers)
