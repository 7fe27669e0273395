"""The server's WebSocket protocol, with two limits that uvicorn does not have.

Both stop clients that never finish a message or never read. No handler of hullo's sees such a client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_FRAGMENTS: Final = 1_000
"""The most fragments of one message. The limit of bytes does not stop empty fragments."""
MAX_UNREAD_BYTES: Final = 64 * 1024
"""Bytes that may wait for a client that does not read: pongs, and all else."""


class BoundedProtocol(WebSocketsSansIOProtocol):
    """Close the connection of a client that exceeds a limit.

    `on_lost` is called once, when the connection has ended.
    """

    on_lost: Callable[[], None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end of the connection."""
        super().connection_lost(exc)
        on_lost, self.on_lost = self.on_lost, None
        if on_lost is not None:
            on_lost()

    def handle_cont(self, event: Frame) -> None:
        """Handle a further fragment of a message."""
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        # RFC 6455, section 5.5.1: a peer that has sent a close frame sends no other frame.
        elif not self.close_sent:
            self.conn.send_close(CloseCode.MESSAGE_TOO_BIG)
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer a ping, unless too many bytes wait. uvicorn writes a pong even if the client reads none."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            # Aborted and not closed: a close frame would wait behind the bytes that the client does not read.
            self.transport.abort()
        else:
            super().handle_ping()
