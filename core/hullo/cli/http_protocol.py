"""The server's HTTP protocol, with the limits that uvicorn does not have.

They bound what one client can make the server hold before any handler sees its request: bytes of a head, requests that
wait in a connection, time, and connections.
"""

from __future__ import annotations

import http
from typing import Any, ClassVar, Final, Protocol

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hullo.asgi.address import TrustedProxies
from hullo.cli.connections import ConnectionBudget, connection_limit
from hullo.cli.websocket import BoundedProtocol
from hullo.settings import ServerLimits, Settings

HEADER_OVERHEAD: Final = 32
"""Bytes that a header counts beside its name and value, as in RFC 7541 §4.1: many short ones cost memory too."""
STOPPING_SECONDS: Final = 1
"""How long a server that stops waits for the first byte of a connection that it has accepted."""
PIECE_BYTES: Final = 8 * 1024
"""Bytes that are parsed at once. One read may hold 256 KiB, which is thousands of requests."""


def bound_connections(settings: Settings) -> None:
    """Set the limits of all HTTP connections of this process. Call it before the server starts."""
    connections = connection_limit(settings)
    # Load tests come from one address.
    per_address = settings.server.connections_per_address if settings.rate_limits.on else None
    BoundedHttpProtocol.limits = settings.server
    BoundedHttpProtocol.budget = ConnectionBudget(connections, per_address, TrustedProxies(settings.trusted_proxies))


class _Timer(Protocol):
    """A call that the event loop makes later."""

    def cancel(self) -> None: ...


class _HeldFlow(FlowControl):
    """Keeps reading paused while parsed requests or unparsed bytes wait, whatever a handler asks for."""

    is_held = False

    def resume_reading(self) -> None:
        # uvicorn resumes whenever a handler reads its body, also with thousands of requests behind it.
        if not self.is_held:
            super().resume_reading()

    def hold(self) -> None:
        self.is_held = True
        self.pause_reading()

    def release(self) -> None:
        self.is_held = False
        self.resume_reading()


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuse the client that exceeds a limit; close its connection.

    `limits` and `budget` are set once in each process, before it serves: uvicorn makes a protocol without asking.
    """

    limits: ClassVar[ServerLimits]
    budget: ClassVar[ConnectionBudget]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_counted = False
        self._is_stopping = False
        self._deadline: _Timer | None = None
        self._in_message = False
        self._in_head = False
        self._head_bytes = 0
        # Bytes since the parser last reported something: an unfinished header, or an unfinished trailer.
        self._unreported_bytes = 0
        self._unparsed = b""
        self._answering: RequestResponseCycle | None = None
        self._fault: http.HTTPStatus | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self.flow = self._flow = _HeldFlow(transport)
        self._address = self.budget.address_of(self.client)
        if not self.budget.admit(self._address):
            self._refuse(http.HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self._is_counted = True
        self._set_deadline(self.limits.first_byte_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Free what the connection held."""
        self._cancel_deadline()
        self._unparsed = b""
        self._abandon_answer()
        # Requests that wait would be kept alive by the cycle of references that each is part of.
        self.pipeline.clear()
        if self._is_counted:
            self._is_counted = False
            self.budget.release(self._address)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End the connection: at once between two requests, else after the answer to the one that is here or comes."""
        self._is_stopping = True
        if self._answering is None and not self._in_message:
            # Its request may be on the way: closed now, the client would be told of a reset.
            self._cancel_deadline()
            self._set_deadline(min(self.limits.first_byte_seconds, STOPPING_SECONDS))
        elif not self._in_head:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent, as far as the limit of waiting requests allows."""
        self._unset_keepalive_if_required()
        # Pausing takes effect at the next read: one more may already be here.
        self._unparsed = self._unparsed + data if self._unparsed else data
        self._parse()

    def on_response_complete(self) -> None:
        """Go on with the next request of the connection."""
        super().on_response_complete()
        if self._unparsed and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._parse()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol, which counts it in total until it ends."""
        if self._is_stopping:
            self._refuse(http.HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self._cancel_deadline()
        super().handle_websocket_upgrade()
        socket = self.transport.get_protocol()
        if self._is_counted and isinstance(socket, BoundedProtocol):
            self._is_counted = False
            # `sockets_per_address` counts it from now on, by the address that a proxy names.
            self.budget.release_address(self._address)
            socket.on_lost = lambda: self.budget.release(None)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_message = self._in_head = True
        self._head_bytes = self._unreported_bytes = 0
        # The time to send the head starts anew with each request.
        self._cancel_deadline()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer after the body."""
        self._count_head(len(name) + len(value) + HEADER_OVERHEAD)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head."""
        self._in_head = False
        self._unreported_bytes = 0
        self._cancel_deadline()
        super().on_headers_complete()
        # uvicorn's attribute is None where the first request asks for another protocol.
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)
        if self._is_stopping and cycle is not None:
            cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unreported_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._in_message = False
        self._unreported_bytes = 0
        self._cancel_deadline()
        super().on_message_complete()

    def _parse(self) -> None:
        waiting, self._unparsed = self._unparsed, b""
        for start in range(0, len(waiting), PIECE_BYTES):
            if len(self.pipeline) >= self.limits.pipelined_requests:
                self._unparsed = waiting[start:]
                break
            if not self._parse_piece(waiting[start : start + PIECE_BYTES]):
                return
        if self._unparsed:
            self._flow.hold()
        # Only what was held here: uvicorn pauses by itself while a handler does not read its body.
        elif self._flow.is_held:
            self._flow.release()
        if self._in_message and self._deadline is None:
            self._set_deadline(self.limits.head_seconds if self._in_head else self.limits.body_seconds)

    def _parse_piece(self, piece: bytes) -> bool:
        """Parse some bytes. False: the connection is closing, or another protocol has it."""
        self._unreported_bytes += len(piece)
        parser = self.parser
        assert parser is not None, "only a lost connection has no parser"
        try:
            parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return False
            # As uvicorn does: the request is answered as if it had asked for no other protocol.
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError:
            # Not logged: any client could fill the log.
            self._refuse(self._fault or http.HTTPStatus.BAD_REQUEST)
            return False
        if self._unreported_bytes > self.limits.head_bytes:
            self._refuse(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return not self.transport.is_closing()

    def _count_head(self, size: int) -> None:
        self._unreported_bytes = 0
        self._head_bytes += size
        if self._head_bytes > self.limits.head_bytes:
            self._fault = http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            # The parser stops at an exception of a callback.
            raise ValueError("the head of the request is too large")

    def _refuse(self, status: http.HTTPStatus) -> None:
        """Answer without a handler, where no answer has begun, and close. A handler writes nothing after that."""
        self._cancel_deadline()
        if self._awaits_answer():
            text = f"{status.phrase}\n".encode()
            self.transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%s" % (status, status.phrase.encode(), len(text), text)
            )
        self._end()

    def _awaits_answer(self) -> bool:
        """Return whether the request that is being parsed is the next to answer."""
        answering = self._answering
        if answering is None:
            return True
        if answering.more_body:
            # Its own body is being parsed. A second answer would be taken for that of the next request.
            return not answering.response_started
        return answering.response_complete

    def _end(self) -> None:
        """Close the connection."""
        # Race: the handler may write before the transport has reported its end, and uvloop raises then.
        self._abandon_answer()
        self.transport.close()

    def _abandon_answer(self) -> None:
        """Let the handler that is at work find its client gone."""
        # uvicorn does so for the request that was parsed last. With pipelining that is another one.
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._end_late, seconds)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end_late(self, seconds: float) -> None:
        self._deadline = None
        # The server itself has stopped reading: the client cannot send the rest.
        if self.flow.read_paused:
            self._set_deadline(seconds)
        elif self._in_head:
            self._refuse(http.HTTPStatus.REQUEST_TIMEOUT)
        else:
            # Before a first byte there is no request to answer; within a body a handler may be about to answer.
            self._end()
