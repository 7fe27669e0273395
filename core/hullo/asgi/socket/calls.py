"""What a client may ask for over a socket, and who answers: the handlers of the same calls over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from hullo.asgi.answer import Answer
from hullo.asgi.conversations import mark_read, say
from hullo.asgi.identify import identify
from hullo.asgi.problems import problem_of
from hullo.asgi.sessions import attend
from hullo.asgi.socket.closing import BAD_FRAME, BAD_ORIGIN, TOO_FAST, UNAVAILABLE, UNKNOWN_APP, Closing, Ended
from hullo.asgi.socket.connection import Connection
from hullo.asgi.socket.exchange import FrameExchange
from hullo.asgi.socket.frames import BadFrame, Frame, answer_frame, frame, message_frame, read_mark_frame
from hullo.asgi.visitors import session_now
from hullo.asgi.wire import Envelope, could_be_id
from hullo.errors import BadOrigin, HulloError, NotFound, RateLimited, SessionRevoked, Unavailable, UnknownApp
from hullo.model.moment import secret_digest
from hullo.pipeline.attention import missed

Call = Callable[[Connection, Frame], Awaitable[None]]

_NO_WAY_IN: Final[tuple[tuple[type[HulloError], Closing], ...]] = (
    (UnknownApp, UNKNOWN_APP),
    (BadOrigin, BAD_ORIGIN),
    (RateLimited, TOO_FAST),
    (Unavailable, UNAVAILABLE),
)
"""Why a join is no beginning, each with how the socket is closed."""


class Calls:
    """Answers frames. All of it is in the connections: one serves all."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {
            "identify": self._identify,
            "reset": self._reset,
            "message": self._message,
            "read": self._read,
            "ping": self._ping,
        }

    async def join(self, connection: Connection, asked: Frame) -> None:
        """The first frame of all. Raises `Ended` where it is none, or no way in."""
        if asked.kind != "join":
            raise Ended(BAD_FRAME)
        try:
            await _join(connection, asked)
        except BadFrame as fault:
            raise Ended(BAD_FRAME) from fault
        except Exception as refused:
            problem_of(refused, connection.exchange({}).request_id)  # which logs what nobody expected
            closings = (closing for error, closing in _NO_WAY_IN if isinstance(refused, error))
            raise Ended(next(closings, UNAVAILABLE)) from refused

    async def answer(self, connection: Connection, asked: Frame) -> None:
        """Raises what refuses it, and `BadFrame`."""
        call = self._calls.get(asked.kind)
        if call is None:
            raise BadFrame("there is no such frame, or not twice")
        await call(connection, asked)

    async def _identify(self, connection: Connection, asked: Frame) -> None:
        exchange, answer = await _identified(connection, _object(asked, "identity"))
        await _go_on(connection, exchange)
        connection.tell(answer_frame("identified", asked.ref, answer))

    async def _reset(self, connection: Connection, asked: Frame) -> None:
        exchange = connection.exchange({})
        attended = await attend(exchange, "reset", _envelope(connection, asked))
        await _go_on(connection, exchange)
        connection.tell(answer_frame("was_reset", asked.ref, attended.answer))

    async def _message(self, connection: Connection, asked: Frame) -> None:
        conversation_id = asked.field("conversation_id")
        if conversation_id is not None and not could_be_id(conversation_id):
            raise NotFound("no such conversation")
        said = await say(connection.exchange(dict(asked.fields)), conversation_id)
        connection.told(said.message.id)  # others tell it too, and not to whoever said it
        connection.tell(message_frame(said.conversation.id, said.message, asked.ref))

    async def _read(self, connection: Connection, asked: Frame) -> None:
        conversation_id = asked.field("conversation_id")
        if conversation_id is None or not could_be_id(conversation_id):
            raise NotFound("no such conversation")
        connection.read_here = conversation_id  # others are told of it, and not whoever did it
        await mark_read(connection.exchange({}), conversation_id)
        if asked.ref is not None:
            connection.tell(read_mark_frame(conversation_id, asked.ref))

    async def _ping(self, connection: Connection, asked: Frame) -> None:
        connection.tell(frame("pong", asked.ref, {}))


async def _join(connection: Connection, asked: Frame) -> None:
    """Registers first whoever has a session, so that nothing is said between what is listed and what is told."""
    after, envelope = asked.field("after"), _envelope(connection, asked)
    exchange = connection.exchange({})
    caller = await exchange.caller(envelope)
    connection.app_key, connection.token = caller.app_key, caller.token
    if caller.session is not None:
        await _go_on(connection, exchange)
    identified: dict[str, Answer] = {}
    refusal: HulloError | None = None
    if asked.fields.get("identity") is not None:
        try:
            _, identified["identify"] = await _identified_anew(connection, asked)
        except HulloError as refused:
            if isinstance(refused, tuple(error for error, _ in _NO_WAY_IN)):
                raise
            refusal = refused
    exchange = connection.exchange({})
    joined = await attend(exchange, "join", _envelope(connection, asked))
    connection.listed_until = joined.listed_until
    if connection.session is None or identified or exchange.token != caller.token:
        await _go_on(connection, exchange)  # whoever comes back as they were is known already
    connection.tell(answer_frame("joined", asked.ref, joined.answer, **identified))
    if refusal is not None:
        connection.tell_refused(refusal, asked.ref, about="identify")
    if after is not None and connection.session is not None:
        told = await connection.edge.read(partial(missed, connection.session, after))
        connection.tell_news((message.id, message_frame(where, message)) for where, message in told)


async def _identified_anew(connection: Connection, asked: Frame) -> tuple[FrameExchange, Answer]:
    """The identity that came with the join, in a new session where the one that was shown is over (S2)."""
    consent = asked.fields.get("consent") is True
    identity = {**_object(asked, "identity"), "consent": consent}
    try:
        return await _identified(connection, identity)
    except SessionRevoked:
        connection.token = None
        exchange = connection.exchange({})
        if exchange.kept_session() is not None:
            # It would be shown once more, unless there is a token of a new one.
            await attend(exchange, "join", Envelope(app_key=connection.app_key, consent=consent))
            connection.token = exchange.token
        return await _identified(connection, identity)


async def _identified(connection: Connection, identity: dict[str, object]) -> tuple[FrameExchange, Answer]:
    exchange = connection.exchange(identity)
    answer = await identify(exchange)
    if exchange.token is not None:
        connection.token = exchange.token
    return exchange, answer


async def _go_on(connection: Connection, exchange: FrameExchange) -> None:
    """The connection is of whoever the session is of now."""
    if exchange.token is not None:
        connection.token = exchange.token
    session = None
    if connection.token is not None:
        session = await connection.edge.read(partial(session_now, secret_digest(connection.token)))
    valid = session is not None and session.app_id == connection.app_key and session.valid(exchange.moment.now)
    connection.edge.switchboard.connect(connection, session if valid else None)


def _envelope(connection: Connection, asked: Frame) -> Envelope:
    """Who joins: as the frame says, and afterwards whoever has joined."""
    return Envelope(
        app_key=connection.app_key or asked.field("app_key"),
        session_token=connection.token or asked.field("session_token"),
        consent=asked.fields.get("consent") is True,
    )


def _object(asked: Frame, name: str) -> dict[str, object]:
    value: object = asked.fields.get(name)
    if not isinstance(value, dict):
        raise BadFrame(f"{name} is no object")
    return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
