"""What a client may ask for over a socket, and who answers: the handlers of the same calls over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from hullo.api.bodies import Envelope, is_plausible_id
from hullo.api.conversations import mark_read, send_message
from hullo.api.identify import identify
from hullo.api.sessions import open_session
from hullo.api.visitors import current_session
from hullo.asgi.problems import error_response
from hullo.asgi.response import Response
from hullo.errors import BadOrigin, HulloError, NotFound, RateLimited, SessionRevoked, Unavailable, UnknownApp
from hullo.model.request_context import secret_digest
from hullo.operations.conversations.live_updates import messages_since
from hullo.realtime.close_codes import (
    BAD_FRAME,
    BAD_ORIGIN,
    RATE_LIMITED,
    UNAVAILABLE,
    UNKNOWN_APP,
    CloseFrame,
    SocketClosed,
)
from hullo.realtime.connection import Connection
from hullo.realtime.frame_request import FrameRequest
from hullo.realtime.frames import BadFrame, Frame, encode_frame, message_frame, read_receipt_frame, response_frame

FrameHandler = Callable[[Connection, Frame], Awaitable[None]]

_JOIN_CLOSE_CODES: Final[tuple[tuple[type[HulloError], CloseFrame], ...]] = (
    (UnknownApp, UNKNOWN_APP),
    (BadOrigin, BAD_ORIGIN),
    (RateLimited, RATE_LIMITED),
    (Unavailable, UNAVAILABLE),
)
"""Why a join is no beginning, each with how the socket is closed."""


class FrameHandlers:
    """Answers frames. All of it is in the connections: one serves all."""

    def __init__(self) -> None:
        self._handlers: dict[str, FrameHandler] = {
            "identify": self._identify,
            "reset": self._reset,
            "message": self._message,
            "read": self._read,
            "ping": self._ping,
        }

    async def join(self, connection: Connection, frame: Frame) -> None:
        """The first frame of all. Raises `Ended` where it is none, or no way in."""
        if frame.kind != "join":
            raise SocketClosed(BAD_FRAME)
        try:
            await _join(connection, frame)
        except BadFrame as fault:
            raise SocketClosed(BAD_FRAME) from fault
        except Exception as refused:
            error_response(refused, connection.request({}).request_id)  # which logs what nobody expected
            closings = (closing for error, closing in _JOIN_CLOSE_CODES if isinstance(refused, error))
            raise SocketClosed(next(closings, UNAVAILABLE)) from refused

    async def handle(self, connection: Connection, frame: Frame) -> None:
        """Raises what refuses it, and `BadFrame`."""
        call = self._handlers.get(frame.kind)
        if call is None:
            raise BadFrame("there is no such frame, or not twice")
        await call(connection, frame)

    async def _identify(self, connection: Connection, frame: Frame) -> None:
        exchange, answer = await _run_identify(connection, _object_field(frame, "identity"))
        await _attach_session(connection, exchange)
        connection.enqueue(response_frame("identified", frame.ref, answer))

    async def _reset(self, connection: Connection, frame: Frame) -> None:
        exchange = connection.request({})
        attended = await open_session(exchange, "reset", _frame_envelope(connection, frame))
        await _attach_session(connection, exchange)
        connection.enqueue(response_frame("was_reset", frame.ref, attended.response))

    async def _message(self, connection: Connection, frame: Frame) -> None:
        conversation_id = frame.field("conversation_id")
        if conversation_id is not None and not is_plausible_id(conversation_id):
            raise NotFound("no such conversation")
        said = await send_message(connection.request(dict(frame.fields)), conversation_id)
        connection.mark_delivered(said.message.id)  # others tell it too, and not to whoever said it
        connection.enqueue(message_frame(said.conversation.id, said.message, frame.ref))

    async def _read(self, connection: Connection, frame: Frame) -> None:
        conversation_id = frame.field("conversation_id")
        if conversation_id is None or not is_plausible_id(conversation_id):
            raise NotFound("no such conversation")
        connection.own_read_receipt = conversation_id  # others are told of it, and not whoever did it
        await mark_read(connection.request({}), conversation_id)
        if frame.ref is not None:
            connection.enqueue(read_receipt_frame(conversation_id, frame.ref))

    async def _ping(self, connection: Connection, frame: Frame) -> None:
        connection.enqueue(encode_frame("pong", frame.ref, {}))


async def _join(connection: Connection, frame: Frame) -> None:
    """Registers first whoever has a session, so that nothing is said between what is listed and what is told."""
    after, envelope = frame.field("after"), _frame_envelope(connection, frame)
    exchange = connection.request({})
    caller = await exchange.resolve_caller(envelope)
    connection.app_key, connection.token = caller.app_key, caller.token
    if caller.session is not None:
        await _attach_session(connection, exchange)
    identified: dict[str, Response] = {}
    refusal: HulloError | None = None
    if frame.fields.get("identity") is not None:
        try:
            _, identified["identify"] = await _identify_on_join(connection, frame)
        except HulloError as refused:
            if isinstance(refused, tuple(error for error, _ in _JOIN_CLOSE_CODES)):
                raise
            refusal = refused
    exchange = connection.request({})
    joined = await open_session(exchange, "join", _frame_envelope(connection, frame))
    connection.history_until = joined.history_until
    if connection.session is None or identified or exchange.token != caller.token:
        await _attach_session(connection, exchange)  # whoever comes back as they were is known already
    connection.enqueue(response_frame("joined", frame.ref, joined.response, **identified))
    if refusal is not None:
        connection.enqueue_error(refusal, frame.ref, about="identify")
    if after is not None and connection.session is not None:
        told = await connection.runtime.read(partial(messages_since, connection.session, after))
        connection.enqueue_updates((message.id, message_frame(where, message)) for where, message in told)


async def _identify_on_join(connection: Connection, frame: Frame) -> tuple[FrameRequest, Response]:
    """The identity that came with the join, in a new session where the one that was shown is over (S2)."""
    consent = frame.fields.get("consent") is True
    identity = {**_object_field(frame, "identity"), "consent": consent}
    try:
        return await _run_identify(connection, identity)
    except SessionRevoked:
        connection.token = None
        exchange = connection.request({})
        if exchange.cookie_token() is not None:
            # It would be shown once more, unless there is a token of a new one.
            await open_session(exchange, "join", Envelope(app_key=connection.app_key, consent=consent))
            connection.token = exchange.token
        return await _run_identify(connection, identity)


async def _run_identify(connection: Connection, identity: dict[str, object]) -> tuple[FrameRequest, Response]:
    exchange = connection.request(identity)
    answer = await identify(exchange)
    if exchange.token is not None:
        connection.token = exchange.token
    return exchange, answer


async def _attach_session(connection: Connection, request: FrameRequest) -> None:
    """The connection is of whoever the session is of now."""
    if request.token is not None:
        connection.token = request.token
    session = None
    if connection.token is not None:
        session = await connection.runtime.read(partial(current_session, secret_digest(connection.token)))
    valid = session is not None and session.app_id == connection.app_key and session.is_valid(request.context.now)
    connection.runtime.connections.set_session(connection, session if valid else None)


def _frame_envelope(connection: Connection, frame: Frame) -> Envelope:
    """Who joins: as the frame says, and afterwards whoever has joined."""
    return Envelope(
        app_key=connection.app_key or frame.field("app_key"),
        session_token=connection.token or frame.field("session_token"),
        consent=frame.fields.get("consent") is True,
    )


def _object_field(frame: Frame, name: str) -> dict[str, object]:
    value: object = frame.fields.get(name)
    if not isinstance(value, dict):
        raise BadFrame(f"{name} is no object")
    return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
