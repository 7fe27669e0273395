"""One socket, from the handshake to its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import EventLoopToken, current_token
from starlette.types import Receive, Scope, Send

from hullo.asgi.edge import Edge
from hullo.asgi.problems import problem_of
from hullo.asgi.rates.admission import count
from hullo.asgi.socket.closing import (
    BAD_FRAME,
    NO_JOIN,
    SESSION_REVOKED,
    SLOW_READER,
    TOO_FAST,
    TOO_LARGE,
    TOO_MANY,
    Closing,
    Ended,
)
from hullo.asgi.socket.exchange import FrameExchange, calling_scope
from hullo.asgi.socket.frames import BadFrame, Frame, error_frame, read_frame
from hullo.errors import RateLimited, SessionRevoked
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import SECOND, Instant
from hullo.model.visitor import Session

if TYPE_CHECKING:
    from hullo.asgi.socket.calls import Calls

JOIN_WITHIN: Final = 10.0
"""Seconds from the handshake to the first frame."""
FRAME_WINDOW: Final[Instant] = 10 * SECOND
PATIENCE: Final = 20.0
"""Seconds that one frame may take to leave for a client that does not read."""
WAITING_FRAMES: Final = 256
"""Frames that wait for one client at most: whoever is further behind joins again, and is told what it missed."""
REMEMBERED: Final = 256
"""Messages that a connection knows it has been told of."""
CLOSING_PATIENCE: Final = 1.0

WaitingFrame = tuple[str, MessageId | None]


class Connection:
    """What a socket says is answered one frame after the other; what others say is told as it comes.

    `session` is whose it is; None before it has joined, and for a visitor who has not agreed to be remembered. What was
    said by `listed_until` it has joined with.
    """

    __slots__ = (
        "_busy",
        "_counted",
        "_doubtful",
        "_ending",
        "_receive",
        "_send",
        "_sending",
        "_tasks",
        "_told",
        "_waiting",
        "_window_ends",
        "app_key",
        "edge",
        "listed_until",
        "loop",
        "read_here",
        "scope",
        "session",
        "token",
    )

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self.edge = edge
        self.scope = scope
        self.app_key: str | None = None
        self.token: str | None = None
        self.session: Session | None = None
        self.listed_until: Instant = 0
        self.loop: EventLoopToken = current_token()
        self._receive = receive
        self._send = send
        self._tasks: TaskGroup | None = None
        self._ending: Closing | None = None
        self._busy = True
        self._doubtful = False
        self._sending = False
        self.read_here: ConversationId | None = None
        # Most sockets are idle, and none of these is needed then.
        self._waiting: deque[WaitingFrame] | None = None
        self._told: dict[MessageId, None] | None = None
        self._window_ends: Instant = 0
        self._counted = 0

    async def live(self, calls: Calls) -> None:
        """Returns when the socket is closed, by whomever."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        address = self.exchange({}).address
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    await self._converse(calls, address)
                except Ended as ended:
                    self.end(ended.closing)
                finally:
                    self._tasks = None  # on trio, a group that is about to end takes no more
                tasks.cancel_scope.cancel()
        finally:
            self.edge.switchboard.remove(self, address)
        if self._ending is not None:
            with anyio.move_on_after(CLOSING_PATIENCE):
                await self._send({"type": "websocket.close", "code": self._ending.code, "reason": self._ending.reason})

    async def _converse(self, calls: Calls, address: str) -> None:
        """Raises `Ended`."""
        if not self.edge.switchboard.admit(self, address):
            raise Ended(TOO_MANY)
        try:
            await count(self.exchange({}))
        except RateLimited as refused:
            raise Ended(TOO_FAST) from refused
        try:
            with anyio.fail_after(JOIN_WITHIN):
                first = await self._next()
        except TimeoutError as silent:
            raise Ended(NO_JOIN) from silent
        if first is None:
            return
        await calls.join(self, first)
        await self._settle()
        while (asked := await self._next()) is not None:
            await self._answer(calls, asked)

    async def _answer(self, calls: Calls, asked: Frame) -> None:
        """Raises `Ended` for a frame that nobody understands, and where the session is over."""
        self._busy = True
        try:
            await calls.answer(self, asked)
        except SessionRevoked as over:
            raise Ended(SESSION_REVOKED) from over
        except BadFrame as fault:
            raise Ended(BAD_FRAME) from fault
        except Exception as refused:
            self.tell_refused(refused, asked.ref)
        await self._settle()

    async def _settle(self) -> None:
        """What others said while a frame was answered is told behind the answer."""
        self._busy = False
        if self._doubtful:
            self._doubtful = False
            self.edge.switchboard.look_at(self)
        await self._flush()

    def exchange(self, body: dict[str, object]) -> FrameExchange:
        """A call with this body, by whoever has joined."""
        who = {"app_key": self.app_key, "session_token": self.token}
        return FrameExchange(self.edge, calling_scope(self.scope), {**body, **who})

    @property
    def origin(self) -> str | None:
        """The page's; None for whoever is no browser."""
        return self.exchange({}).origin

    def told(self, message_id: MessageId) -> bool:
        """Whether it knows this message. Asked once, it does from then on."""
        known = self._told = self._told if self._told is not None else {}
        if message_id in known:
            return True
        known[message_id] = None
        if len(known) > REMEMBERED:
            del known[next(iter(known))]
        return False

    def tell(self, text: str) -> None:
        """An answer, or something that was not said by anybody."""
        self._put(text, None)

    def tell_news(
        self, messages: Iterable[tuple[MessageId, str]], marks: Iterable[tuple[ConversationId, str]] = ()
    ) -> None:
        """What was said, each once (`told`), and what was read. While a frame is being answered they wait: one of them
        may be the answer."""
        for message_id, text in messages:
            self.read_here = None
            self._put(text, message_id)
        for conversation_id, text in marks:
            if conversation_id != self.read_here:
                self._put(text, None)
        if not self._busy and self._waiting and not self._sending and self._tasks is not None:
            self._tasks.start_soon(self._flush)

    def tell_refused(self, error: Exception, ref: str | None, about: str | None = None) -> None:
        """A frame, or a part of one, was refused. What nobody expected is logged."""
        request_id = self.exchange({}).request_id
        self.tell(error_frame(ref, problem_of(error, request_id), about))

    def doubts(self) -> bool:
        """Whether the end of its session may be its own doing: it is asking for something just now, and is looked at
        again when that is answered."""
        self._doubtful = self._busy
        return self._busy

    def end(self, closing: Closing) -> None:
        """Closes it, whatever it is doing; the first reason counts."""
        if self._ending is None and self._tasks is not None:
            self._ending = closing
            self._tasks.cancel_scope.cancel()

    def _put(self, text: str, message_id: MessageId | None) -> None:
        waiting = self._waiting = self._waiting if self._waiting is not None else deque()
        if len(waiting) >= WAITING_FRAMES:
            self.end(SLOW_READER)
            return
        waiting.append((text, message_id))

    async def _flush(self) -> None:
        """Sends what waits, unless somebody is at it. Ends the connection of whoever does not read."""
        if self._sending or self._waiting is None:
            return
        self._sending = True
        try:
            with anyio.fail_after(PATIENCE):
                while self._waiting:
                    text, message_id = self._waiting.popleft()
                    if message_id is None or not self.told(message_id):
                        await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            self.end(SLOW_READER)
        except OSError:
            return  # the client is gone (ASGI, websocket 2.4): `receive` says so as well
        finally:
            self._sending = False
        self._waiting = None

    async def _next(self) -> Frame | None:
        """The next frame; None when the client has left. Raises `Ended` for one that is not to be answered."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        if text is None:
            raise Ended(BAD_FRAME)
        raw = text.encode()
        if len(raw) > self.edge.hullo.settings.limits.body_bytes:
            raise Ended(TOO_LARGE)
        self._count_frame()
        try:
            return read_frame(raw)
        except BadFrame as fault:
            raise Ended(BAD_FRAME) from fault

    def _count_frame(self) -> None:
        limits, now = self.edge.hullo.settings.rate_limits, self.edge.hullo.clock()
        if not limits.on:
            return
        if not now < self._window_ends <= now + FRAME_WINDOW:
            self._window_ends, self._counted = now + FRAME_WINDOW, 0
        self._counted += 1
        if self._counted > limits.frames_per_socket:
            raise Ended(TOO_FAST)
