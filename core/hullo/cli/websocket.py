"""The server's end of a WebSocket, with two bounds that uvicorn leaves to nobody.

Both are about clients that never finish anything, which no handler of ours is told of.
"""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_FRAGMENTS: Final = 1_000
"""Of one message. The limit of its bytes is none for pieces that have none."""
MAX_UNREAD_BYTES: Final = 64 * 1024
"""Bytes of pongs, and whatever else, that wait for a client who does not read."""


class BoundedProtocol(WebSocketsSansIOProtocol):
    """Hangs up on whoever goes beyond them."""

    def handle_cont(self, event: Frame) -> None:
        """A further piece of a message."""
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self.conn.send_close(CloseCode.MESSAGE_TOO_BIG)
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Its answer is ready, and written whether or not those before it were read."""
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()
        else:
            super().handle_ping()
