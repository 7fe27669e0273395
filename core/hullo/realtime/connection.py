"""The I/O of one socket, from the handshake to its end. What is sent and when it is closed, `session` decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import EventLoopToken, current_token
from starlette.types import Message, Receive, Scope, Send

from hullo.api.admission import count_call
from hullo.api.bodies import Envelope
from hullo.api.owner_log import log_refusal
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.problems import error_response
from hullo.errors import RateLimited
from hullo.model.instant import Instant
from hullo.model.visitor import Session
from hullo.realtime.actions import Action, CheckSession, Close, Operation, SendError, SendFrame, Subscribe
from hullo.realtime.close_codes import RATE_LIMITED, SLOW_READER, TOO_MANY_SOCKETS, CloseFrame
from hullo.realtime.frame_request import FrameRequest
from hullo.realtime.frames import error_frame
from hullo.realtime.handlers import FrameHandlers
from hullo.realtime.registry import ConnectionRegistry
from hullo.realtime.session import MAX_QUEUED_FRAMES, SocketSession
from hullo.realtime.updates import SocketUpdate

SEND_TIMEOUT: Final = 20.0
"""Seconds that one frame may take to leave for a client that does not read."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds that the close frame may take."""


class Connection:
    """Receive, send and run operations for one `SocketSession`, within limits of time and memory.

    Frames are handled one after the other; updates are sent as they come. Every method runs in the event loop of the
    socket. The properties may be read from any thread.
    """

    __slots__ = (
        "_close_frame",
        "_connections",
        "_outgoing",
        "_protocol",
        "_receive",
        "_runtime",
        "_scope",
        "_send",
        "_sending",
        "_tasks",
        "loop",
    )

    def __init__(
        self, runtime: AsyncRuntime, connections: ConnectionRegistry, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.loop: EventLoopToken = current_token()
        self._runtime = runtime
        self._connections = connections
        self._scope = scope
        self._receive = receive
        self._send = send
        self._protocol = SocketSession(runtime.hullo.settings)
        self._tasks: TaskGroup | None = None
        self._close_frame: CloseFrame | None = None
        self._sending = False
        self._outgoing: deque[str] | None = None  # None: most sockets are idle, and an empty queue costs 600 bytes

    @property
    def session(self) -> Session | None:
        """The visitor's session, as far as this socket knows."""
        return self._protocol.session

    @property
    def history_until(self) -> Instant:
        """Time of the last message that the answer to the join held."""
        return self._protocol.history_until

    @property
    def origin(self) -> str | None:
        """The origin that the app must list. None: it is hullo's own, or the client is not a browser."""
        return FrameRequest(self._runtime, self._scope).foreign_origin

    async def serve(self, handlers: FrameHandlers) -> None:
        """Serve the socket until either side has closed it."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        address = FrameRequest(self._runtime, self._scope).address
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    if await self._admit(address):
                        await self._serve_frames(handlers)
                finally:
                    # Race: an update may come until `remove`, and on trio a group that is about to end takes no task.
                    self._tasks = None
                tasks.cancel_scope.cancel()
        finally:
            self._connections.remove(self, address)
        if self._close_frame is not None:
            # Clock: a client that does not read would hold up the end of the server.
            with anyio.move_on_after(CLOSE_TIMEOUT):
                code, reason = self._close_frame
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def receive_update(self, update: SocketUpdate) -> None:
        """Pass an update to the session, and send what follows from it. Returns at once."""
        actions = self._protocol.receive_update(update)
        for action in actions:
            self._execute(action)
        if actions and not self._sending and self._tasks is not None:
            self._tasks.start_soon(self._flush)

    def close(self, close_frame: CloseFrame) -> None:
        """Close the socket, also while it handles a frame. The first reason counts."""
        if self._close_frame is None and self._tasks is not None:
            self._close_frame = close_frame
            self._tasks.cancel_scope.cancel()

    async def _admit(self, address: str) -> bool:
        """Count the socket against the limits of its address. False: it is over one, and being closed."""
        if not self._connections.admit(self, address):
            self.close(TOO_MANY_SOCKETS)
            return False
        try:
            await count_call(FrameRequest(self._runtime, self._scope))
        except RateLimited:
            self.close(RATE_LIMITED)
            return False
        return True

    async def _serve_frames(self, handlers: FrameHandlers) -> None:
        first = await self._first_message()
        if first is None:
            for action in self._protocol.receive_timeout():
                self._execute(action)
            return
        is_open = await self._serve_message(handlers, first)
        while is_open:
            # Received in the argument, not in a variable: an idle socket would keep its last frame in memory.
            is_open = await self._serve_message(handlers, await self._receive())

    async def _first_message(self) -> Message | None:
        """Receive the first message. None: it took too long."""
        with anyio.move_on_after(self._protocol.join_timeout):
            return await self._receive()
        return None

    async def _serve_message(self, handlers: FrameHandlers, message: Message) -> bool:
        """Handle one message of the server. False: the client has left, or the socket is being closed."""
        if message["type"] == "websocket.disconnect":
            return False
        actions = self._protocol.receive_frame(message.get("text"), self._runtime.hullo.clock())
        while actions:
            *others, last = actions
            for action in others:
                self._execute(action)
            if isinstance(last, Operation):
                actions = await self._run(handlers, last)
            else:
                self._execute(last)
                actions = ()
        # Closing cancels this task, but a cancellation strikes at the next wait only: nothing more may be sent.
        if self._close_frame is not None:
            return False
        await self._flush()
        return True

    async def _run(self, handlers: FrameHandlers, operation: Operation[object]) -> Sequence[Action]:
        try:
            result = await handlers.run(operation, self._scope)
        except Exception as error:
            self._log_refusal(operation, error)
            return self._protocol.receive_error(error)
        return self._protocol.receive_result(result)

    def _log_refusal(self, operation: Operation[object], error: Exception) -> None:
        request = FrameRequest(self._runtime, self._scope)
        envelope = getattr(operation, "envelope", None)
        if isinstance(envelope, Envelope):
            request.app_key = envelope.app_key
        log_refusal(request, error)

    def _execute(self, action: Action) -> None:
        match action:
            case SendFrame(text=text):
                self._enqueue(text)
            case SendError(error=error, ref=ref, about=about):
                self._enqueue(error_frame(ref, error_response(error, self._request_id()), about))
            case Subscribe(session=session):
                if not self._connections.set_session(self, session):
                    self.close(TOO_MANY_SOCKETS)
            case CheckSession():
                self._connections.schedule_check(self)
            case Close(close_frame=close_frame, error=error):
                if error is not None:
                    error_response(error, self._request_id())  # for its log entry, where the error is unexpected
                self.close(close_frame)
            case Operation():
                raise TypeError("an operation takes time: only an answer to a frame may wait for one")

    def _request_id(self) -> str:
        return FrameRequest(self._runtime, self._scope).request_id

    def _enqueue(self, text: str) -> None:
        outgoing = self._outgoing = self._outgoing if self._outgoing is not None else deque()
        if len(outgoing) >= MAX_QUEUED_FRAMES:
            self.close(SLOW_READER)
            return
        outgoing.append(text)

    async def _flush(self) -> None:
        """Send what is queued. Closes the socket of a client that does not read."""
        # Race: the task of an update and the task of the frames may both come here. The first sends for both, so that
        # frames leave in their order.
        if self._sending or self._outgoing is None:
            return
        self._sending = True
        try:
            with anyio.fail_after(SEND_TIMEOUT):
                while self._outgoing:
                    await self._send({"type": "websocket.send", "text": self._outgoing.popleft()})
        except TimeoutError:
            self.close(SLOW_READER)
        except OSError:
            return  # the client is gone (ASGI, websocket 2.4): `receive` says so as well
        finally:
            self._sending = False
        self._outgoing = None
