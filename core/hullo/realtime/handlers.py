"""The operations of sockets, run by the functions that answer the same HTTP calls."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.types import Scope

from hullo.api.admission import count_call
from hullo.api.conversations import mark_read, send_message
from hullo.api.identify import identify, notify_rejected
from hullo.api.runtime import AsyncRuntime
from hullo.api.sessions import open_session
from hullo.api.visitors import current_session
from hullo.errors import RateLimited
from hullo.model.request_context import secret_digest
from hullo.model.visitor import Session
from hullo.operations.conversations.live_updates import messages_since
from hullo.realtime.actions import (
    CallResult,
    Identify,
    LoadMessages,
    LoadSession,
    MarkRead,
    OpenSession,
    Operation,
    ResolveCaller,
    SendMessage,
)
from hullo.realtime.frame_request import FrameRequest


class FrameHandlers:
    """Run operations for every socket. Holds no state of any of them."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        self._runtime = runtime

    async def run(self, operation: Operation[Any], scope: Scope) -> object:
        """Run an operation for the socket with this handshake. Raises what refuses it.

        Returns the result that the operation's type names.
        """
        match operation:
            # The handshake was counted, and every frame that may write counts like the call that it stands for.
            case ResolveCaller(envelope=envelope):
                return await FrameRequest(self._runtime, scope).resolve_caller(envelope)
            case LoadSession():
                return await self._load_session(operation)
            case OpenSession():
                return await self._open_session(operation, scope)
            case Identify(envelope=envelope, body=body):
                request = FrameRequest(self._runtime, scope, body, envelope)
                await self._count_identify(request, envelope.app_key)
                response = await identify.handler(request)
                return CallResult(response=response, token=request.token)
            case SendMessage(envelope=envelope, body=body, conversation_id=conversation_id):
                request = FrameRequest(self._runtime, scope, body, envelope)
                await count_call(request)
                return await send_message(request, conversation_id)
            case MarkRead(envelope=envelope, conversation_id=conversation_id):
                request = FrameRequest(self._runtime, scope, None, envelope)
                await count_call(request)
                return await mark_read(request, conversation_id)
            case LoadMessages(session=session, after=after):
                return await self._runtime.read(partial(messages_since, session, after))
            case _:
                raise TypeError(f"no handler runs {type(operation).__name__}")

    async def _count_identify(self, request: FrameRequest, app_key: str | None) -> None:
        """Count the frame as a call of its address. Raises `RateLimited`, of which observers get word."""
        request.app_key = app_key
        try:
            await count_call(request)
        except RateLimited as refused:
            await notify_rejected(request, refused)
            raise

    async def _load_session(self, operation: LoadSession) -> Session | None:
        session = await self._runtime.read(partial(current_session, secret_digest(operation.token)))
        # Clock: a session that ends while its socket is open is found by the registry's checks.
        if session is None or session.app_id != operation.app_key or not session.is_valid(self._runtime.hullo.clock()):
            return None
        return session

    async def _open_session(self, operation: OpenSession, scope: Scope) -> CallResult:
        request = FrameRequest(self._runtime, scope)
        if operation.verb == "reset":
            await count_call(request)  # a join comes with the handshake
        opened = await open_session(request, operation.verb, operation.envelope)
        return CallResult(response=opened.response, token=request.token, history_until=opened.history_until)
