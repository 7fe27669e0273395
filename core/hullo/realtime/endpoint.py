"""The ASGI application at `/v1/socket`."""

from __future__ import annotations

from collections.abc import Awaitable

from starlette.types import Receive, Scope, Send

from hullo.api.runtime import AsyncRuntime
from hullo.realtime.connection import Connection
from hullo.realtime.handlers import FrameHandlers
from hullo.realtime.registry import ConnectionRegistry


class SocketEndpoint:
    """Serve one socket per call. Raises nothing that a client can cause."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        self._runtime = runtime
        self._handlers = FrameHandlers(runtime)
        self.connections = ConnectionRegistry(runtime.hullo)
        runtime.on_close(self.connections.close)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Not a coroutine function: every idle socket would keep its frame.
        return Connection(self._runtime, self.connections, scope, receive, send).serve(self._handlers)
