"""Lifespan: hullo opens before the host and closes after it."""

from __future__ import annotations

import atexit
import logging
from typing import Final
from weakref import WeakSet

import anyio
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hullo.application import Hullo
from hullo.errors import HulloError

_log = logging.getLogger("hullo.asgi")

# Weak: a hullo that its program has dropped has nothing left to close.
_without_lifespan: Final[WeakSet[Hullo]] = WeakSet()


def close_at_exit(hullo: Hullo) -> None:
    """Close this hullo when the process ends, unless it is closed before.

    For a host that runs no lifespan, such as a `Mount`: otherwise the `shutdown` hook of plugins would never be called.
    May be called again.
    """
    _without_lifespan.add(hullo)


@atexit.register
def _close_all() -> None:
    for hullo in tuple(_without_lifespan):
        if hullo.is_open:
            hullo.close()


async def serve_lifespan(app: ASGIApp, hullo: Hullo, scope: Scope, receive: Receive, send: Send) -> None:
    """Run one lifespan scope (ASGI lifespan 2.0). Raises the error of a failed start, after the server has its
    message."""
    startup = await receive()
    try:
        # In a thread: opening may migrate the schema, and the event loop must not wait for that.
        await to_thread.run_sync(hullo.open_and_drain_outbox)
    except Exception as failed:
        # A bare exception means "lifespan is not supported", and the server would continue without a database.
        await send({"type": "lifespan.startup.failed", "message": f"hullo cannot start: {_reason(failed)}"})
        raise
    host = _HostLifespan(app, hullo, startup, receive, send)
    try:
        await host.run(scope)
    finally:
        # Often closed already by `_send_for_host`; needed when the host raised or was cancelled.
        await _close(hullo)


class _HostLifespan:
    """Runs the host's lifespan and forwards messages between it and the server."""

    def __init__(self, app: ASGIApp, hullo: Hullo, startup: Message, receive: Receive, send: Send) -> None:
        self._app = app
        self._hullo = hullo
        # Kept for the host: hullo has taken the message from the server, which sends it once.
        self._startup: Message | None = startup
        self._receive = receive
        self._send = send
        self._sent_types: set[str] = set()
        self._stopping = False

    async def run(self, scope: Scope) -> None:
        """Run the host until shutdown is complete. Raises the errors of a host that has started."""
        try:
            await self._app(scope, self._receive_for_host, self._send_for_host)
        except Exception as failed:
            if self._sent_types:
                raise
            # An error before any message means that the host does not support lifespan (ASGI lifespan 2.0).
            _log.info("the host does not support lifespan: %s", type(failed).__name__)
        # After a failed start the server sends no shutdown to wait for.
        if "lifespan.startup.failed" in self._sent_types:
            return
        # The server waits for this message, and a host without lifespan has sent none.
        if "lifespan.startup.complete" not in self._sent_types:
            await self._send({"type": "lifespan.startup.complete"})
        # A host without lifespan has not waited for the shutdown: hullo waits in its place and stays open.
        if not self._stopping:
            await self._receive()
        if not self._sent_types & {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            await self._send_for_host({"type": "lifespan.shutdown.complete"})

    async def _receive_for_host(self) -> Message:
        if self._startup is not None:
            # Given once: the next call must wait for the shutdown.
            startup, self._startup = self._startup, None
            return startup
        message = await self._receive()
        self._stopping = True
        return message

    async def _send_for_host(self, message: Message) -> None:
        self._sent_types.add(message["type"])
        if message["type"] != "lifespan.startup.complete":
            await _close(self._hullo)  # before the message: the server may end the process as soon as it has it
        await self._send(message)


async def _close(hullo: Hullo) -> None:
    if not hullo.is_open:
        return  # closed by `_send_for_host`: the event loop may be ending, and no worker thread is available
    # Shielded: a cancelled server must still flush the store.
    with anyio.CancelScope(shield=True):
        await to_thread.run_sync(hullo.close)


def _reason(error: Exception) -> str:
    return error.detail if isinstance(error, HulloError) else f"{type(error).__name__}: {error}"
