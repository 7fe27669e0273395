"""One socket, from the handshake to its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import EventLoopToken, current_token
from starlette.types import Receive, Scope, Send

from hullo.api.admission import count_call
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.problems import error_response
from hullo.errors import RateLimited, SessionRevoked
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import SECOND, Instant
from hullo.model.visitor import Session
from hullo.realtime.close_codes import (
    BAD_FRAME,
    JOIN_TIMED_OUT,
    RATE_LIMITED,
    SESSION_REVOKED,
    SLOW_READER,
    TOO_LARGE,
    TOO_MANY_SOCKETS,
    CloseFrame,
    SocketClosed,
)
from hullo.realtime.frame_request import FrameRequest, frame_scope
from hullo.realtime.frames import BadFrame, Frame, error_frame, parse_frame

if TYPE_CHECKING:
    from hullo.realtime.handlers import FrameHandlers

JOIN_TIMEOUT: Final = 10.0
"""Seconds from the handshake to the first frame."""
FRAME_WINDOW: Final[Instant] = 10 * SECOND
SEND_TIMEOUT: Final = 20.0
"""Seconds that one frame may take to leave for a client that does not read."""
MAX_QUEUED_FRAMES: Final = 256
"""Frames that wait for one client at most: whoever is further behind joins again, and is told what it missed."""
MAX_DELIVERED_IDS: Final = 256
"""Messages that a connection knows it has been told of."""
CLOSE_TIMEOUT: Final = 1.0

QueuedFrame = tuple[str, MessageId | None]


class Connection:
    """What a socket says is answered one frame after the other; what others say is told as it comes.

    `session` is whose it is; None before it has joined, and for a visitor who has not agreed to be remembered. What was
    said by `listed_until` it has joined with.
    """

    __slots__ = (
        "_check_deferred",
        "_close_frame",
        "_delivered",
        "_frame_count",
        "_handling_frame",
        "_outgoing",
        "_receive",
        "_send",
        "_sending",
        "_tasks",
        "_window_ends",
        "app_key",
        "history_until",
        "loop",
        "own_read_receipt",
        "runtime",
        "scope",
        "session",
        "token",
    )

    def __init__(self, runtime: AsyncRuntime, scope: Scope, receive: Receive, send: Send) -> None:
        self.runtime = runtime
        self.scope = scope
        self.app_key: str | None = None
        self.token: str | None = None
        self.session: Session | None = None
        self.history_until: Instant = 0
        self.loop: EventLoopToken = current_token()
        self._receive = receive
        self._send = send
        self._tasks: TaskGroup | None = None
        self._close_frame: CloseFrame | None = None
        self._handling_frame = True
        self._check_deferred = False
        self._sending = False
        self.own_read_receipt: ConversationId | None = None
        # Most sockets are idle, and none of these is needed then.
        self._outgoing: deque[QueuedFrame] | None = None
        self._delivered: dict[MessageId, None] | None = None
        self._window_ends: Instant = 0
        self._frame_count = 0

    async def serve(self, handlers: FrameHandlers) -> None:
        """Returns when the socket is closed, by whomever."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        address = self.request({}).address
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    await self._serve_frames(handlers, address)
                except SocketClosed as ended:
                    self.close(ended.close_frame)
                finally:
                    self._tasks = None  # on trio, a group that is about to end takes no more
                tasks.cancel_scope.cancel()
        finally:
            self.runtime.connections.remove(self, address)
        if self._close_frame is not None:
            with anyio.move_on_after(CLOSE_TIMEOUT):
                await self._send(
                    {"type": "websocket.close", "code": self._close_frame.code, "reason": self._close_frame.reason}
                )

    async def _serve_frames(self, handlers: FrameHandlers, address: str) -> None:
        """Raises `Ended`."""
        if not self.runtime.connections.admit(self, address):
            raise SocketClosed(TOO_MANY_SOCKETS)
        try:
            await count_call(self.request({}))
        except RateLimited as refused:
            raise SocketClosed(RATE_LIMITED) from refused
        try:
            with anyio.fail_after(JOIN_TIMEOUT):
                first = await self._next_frame()
        except TimeoutError as silent:
            raise SocketClosed(JOIN_TIMED_OUT) from silent
        if first is None:
            return
        await handlers.join(self, first)
        await self._finish_frame()
        while (asked := await self._next_frame()) is not None:
            await self._handle_frame(handlers, asked)

    async def _handle_frame(self, handlers: FrameHandlers, frame: Frame) -> None:
        """Raises `Ended` for a frame that nobody understands, and where the session is over."""
        self._handling_frame = True
        try:
            await handlers.handle(self, frame)
        except SessionRevoked as over:
            raise SocketClosed(SESSION_REVOKED) from over
        except BadFrame as fault:
            raise SocketClosed(BAD_FRAME) from fault
        except Exception as refused:
            self.enqueue_error(refused, frame.ref)
        await self._finish_frame()

    async def _finish_frame(self) -> None:
        """What others said while a frame was answered is told behind the answer."""
        self._handling_frame = False
        if self._check_deferred:
            self._check_deferred = False
            self.runtime.connections.schedule_check(self)
        await self._flush()

    def request(self, body: dict[str, object]) -> FrameRequest:
        """A call with this body, by whoever has joined."""
        who = {"app_key": self.app_key, "session_token": self.token}
        return FrameRequest(self.runtime, frame_scope(self.scope), {**body, **who})

    @property
    def origin(self) -> str | None:
        """The page's; None for whoever is no browser."""
        return self.request({}).origin

    def mark_delivered(self, message_id: MessageId) -> bool:
        """Whether it knows this message. Asked once, it does from then on."""
        known = self._delivered = self._delivered if self._delivered is not None else {}
        if message_id in known:
            return True
        known[message_id] = None
        if len(known) > MAX_DELIVERED_IDS:
            del known[next(iter(known))]
        return False

    def enqueue(self, text: str) -> None:
        """An answer, or something that was not said by anybody."""
        self._enqueue(text, None)

    def enqueue_updates(
        self, messages: Iterable[tuple[MessageId, str]], read_receipts: Iterable[tuple[ConversationId, str]] = ()
    ) -> None:
        """What was said, each once (`told`), and what was read. While a frame is being answered they wait: one of them
        may be the answer."""
        for message_id, text in messages:
            self.own_read_receipt = None
            self._enqueue(text, message_id)
        for conversation_id, text in read_receipts:
            if conversation_id != self.own_read_receipt:
                self._enqueue(text, None)
        if not self._handling_frame and self._outgoing and not self._sending and self._tasks is not None:
            self._tasks.start_soon(self._flush)

    def enqueue_error(self, error: Exception, ref: str | None, about: str | None = None) -> None:
        """A frame, or a part of one, was refused. What nobody expected is logged."""
        request_id = self.request({}).request_id
        self.enqueue(error_frame(ref, error_response(error, request_id), about))

    def defer_session_check(self) -> bool:
        """Whether the end of its session may be its own doing: it is asking for something just now, and is looked at
        again when that is answered."""
        self._check_deferred = self._handling_frame
        return self._handling_frame

    def close(self, close_frame: CloseFrame) -> None:
        """Closes it, whatever it is doing; the first reason counts."""
        if self._close_frame is None and self._tasks is not None:
            self._close_frame = close_frame
            self._tasks.cancel_scope.cancel()

    def _enqueue(self, text: str, message_id: MessageId | None) -> None:
        waiting = self._outgoing = self._outgoing if self._outgoing is not None else deque()
        if len(waiting) >= MAX_QUEUED_FRAMES:
            self.close(SLOW_READER)
            return
        waiting.append((text, message_id))

    async def _flush(self) -> None:
        """Sends what waits, unless somebody is at it. Ends the connection of whoever does not read."""
        if self._sending or self._outgoing is None:
            return
        self._sending = True
        try:
            with anyio.fail_after(SEND_TIMEOUT):
                while self._outgoing:
                    text, message_id = self._outgoing.popleft()
                    if message_id is None or not self.mark_delivered(message_id):
                        await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            self.close(SLOW_READER)
        except OSError:
            return  # the client is gone (ASGI, websocket 2.4): `receive` says so as well
        finally:
            self._sending = False
        self._outgoing = None

    async def _next_frame(self) -> Frame | None:
        """The next frame; None when the client has left. Raises `Ended` for one that is not to be answered."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        if text is None:
            raise SocketClosed(BAD_FRAME)
        raw = text.encode()
        if len(raw) > self.runtime.hullo.settings.limits.body_bytes:
            raise SocketClosed(TOO_LARGE)
        self._check_frame_rate()
        try:
            return parse_frame(raw)
        except BadFrame as fault:
            raise SocketClosed(BAD_FRAME) from fault

    def _check_frame_rate(self) -> None:
        limits, now = self.runtime.hullo.settings.rate_limits, self.runtime.hullo.clock()
        if not limits.on:
            return
        if not now < self._window_ends <= now + FRAME_WINDOW:
            self._window_ends, self._frame_count = now + FRAME_WINDOW, 0
        self._frame_count += 1
        if self._frame_count > limits.frames_per_socket:
            raise SocketClosed(RATE_LIMITED)
