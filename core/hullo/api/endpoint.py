"""One path under hullo's prefix: picks the handler, and turns whatever comes of it into an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from hullo.api.admission import admit, count_call
from hullo.api.cors import cors_headers, preflight_response
from hullo.api.request import ClientDisconnect, Request
from hullo.api.runtime import RUNTIME_KEY, AsyncRuntime
from hullo.asgi.problems import error_response
from hullo.asgi.response import NO_CONTENT, Header, Response, send_response
from hullo.errors import HulloError, KeyRequired, MethodNotAllowed, RateLimited

Handler = Callable[[Request], Awaitable[Response]]
RejectionHandler = Callable[[Request, HulloError], Awaitable[None]]


class Endpoint:
    """An ASGI application. `browser`: pages of other origins may call it, and read its answers where an app lists them.

    `edge` None: the one that serves the request, for a route that is made before there is any. `refused` is told of
    calls that were too many for their address to reach a handler. Never raises: the host's own error pages are not for
    hullo's callers.
    """

    def __init__(
        self,
        runtime: AsyncRuntime | None,
        methods: Mapping[str, Handler],
        *,
        cross_origin: bool = False,
        on_rejected: RejectionHandler | None = None,
    ) -> None:
        self._runtime = runtime
        self._handlers = dict(methods)
        if "GET" in methods:
            self._handlers["HEAD"] = methods["GET"]  # servers leave out the body themselves
        self._allow: Header = (b"allow", ", ".join(methods).encode())
        self._cross_origin = cross_origin
        self._on_rejected = on_rejected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Request(self._runtime or scope[RUNTIME_KEY], scope, receive)
        headers: tuple[Header, ...] = ()
        error: Exception | None = None
        try:
            answer = await self._respond(exchange)
        except ClientDisconnect:
            return
        except Exception as failed:
            answer, error = error_response(failed, exchange.request_id), failed
            if isinstance(failed, MethodNotAllowed):
                answer = replace(answer, headers=(self._allow,))
        if self._cross_origin and answer.status != NO_CONTENT and not exchange.has_api_key:
            headers = await cors_headers(exchange, error)
        await send_response(answer, exchange.request_id, headers, send)

    async def _respond(self, request: Request) -> Response:
        method: str = request.scope["method"]
        if self._cross_origin:
            await self._admit(request)  # what a browser asks beforehand too: every app is looked through for it
        handler = self._handlers.get(method)
        if handler is not None:
            try:
                return await handler(request)
            except KeyRequired:
                if not self._cross_origin:
                    await count_call(request)  # whoever guesses at keys
                raise
        if method == "OPTIONS" and self._cross_origin and b"access-control-request-method" in request.headers:
            return await preflight_response(request)
        raise MethodNotAllowed("this path takes " + self._allow[1].decode())

    async def _admit(self, request: Request) -> None:
        try:
            await admit(request)
        except RateLimited as refusal:
            if self._on_rejected is not None and request.scope["method"] != "OPTIONS":
                await self._on_rejected(request, refusal)
            raise
