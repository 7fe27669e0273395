"""Startup and shutdown: hullo opens before the host and closes after it."""

from __future__ import annotations

import logging

import anyio
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hullo.application import Hullo
from hullo.errors import HulloError

_log = logging.getLogger("hullo.asgi")


async def serve_lifespan(app: ASGIApp, hullo: Hullo, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves one lifespan scope (ASGI, lifespan 2.0). Raises what kept hullo from opening, once the server knows."""
    startup = await receive()
    try:
        await to_thread.run_sync(hullo.open_and_drain_outbox)
    except Exception as failed:
        # A bare exception would mean "I know no lifespan", and the server would carry on without a database.
        await send({"type": "lifespan.startup.failed", "message": f"hullo cannot start: {_reason(failed)}"})
        raise
    host = _HostLifespan(app, hullo, startup, receive, send)
    try:
        await host.run(scope)
    finally:
        await _close(hullo)


class _HostLifespan:
    """The host's part, with the server's messages handed on in both directions."""

    def __init__(self, app: ASGIApp, hullo: Hullo, startup: Message, receive: Receive, send: Send) -> None:
        self._app = app
        self._hullo = hullo
        self._startup: Message | None = startup
        self._receive = receive
        self._send = send
        self._sent_types: set[str] = set()
        self._stopping = False

    async def run(self, scope: Scope) -> None:
        """Returns when the server has been told that everything is over. Raises what a started host raises."""
        try:
            await self._app(scope, self._receive_for_host, self._send_for_host)
        except Exception as failed:
            if self._sent_types:
                raise
            # The host knows no lifespan, which the specification lets it say by raising anything at all.
            _log.info("the host takes no part in the lifespan: %s", type(failed).__name__)
        if "lifespan.startup.failed" in self._sent_types:
            return
        if "lifespan.startup.complete" not in self._sent_types:
            await self._send({"type": "lifespan.startup.complete"})
        if not self._stopping:
            await self._receive()
        if not self._sent_types & {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            await self._send_for_host({"type": "lifespan.shutdown.complete"})

    async def _receive_for_host(self) -> Message:
        if self._startup is not None:
            startup, self._startup = self._startup, None
            return startup
        message = await self._receive()
        self._stopping = True
        return message

    async def _send_for_host(self, message: Message) -> None:
        self._sent_types.add(message["type"])
        if message["type"] != "lifespan.startup.complete":
            await _close(self._hullo)  # the host is done, and the server ends the process when it hears of it
        await self._send(message)


async def _close(hullo: Hullo) -> None:
    if not hullo.is_open:
        return  # closed before the server was told: by now its loop may be ending, and no thread is to be had
    with anyio.CancelScope(shield=True):
        await to_thread.run_sync(hullo.close)


def _reason(error: Exception) -> str:
    return error.detail if isinstance(error, HulloError) else f"{type(error).__name__}: {error}"
