"""Endpoint of one path: selects the handler, and converts results and errors to responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from hullo.api.admission import admit, count_call
from hullo.api.authentication import load_api_key
from hullo.api.cors import cors_headers, preflight_response
from hullo.api.openapi.operation import Operation
from hullo.api.owner_log import log_refusal
from hullo.api.request import ClientDisconnect, Request
from hullo.api.runtime import RUNTIME_KEY, AsyncRuntime
from hullo.asgi.problems import error_response
from hullo.asgi.response import NO_CONTENT, Header, Response, send_response
from hullo.asgi.scope import bearer_token
from hullo.errors import HulloError, Invalid, KeyRequired, MethodNotAllowed, SessionRequired

RejectionHandler = Callable[[Request, HulloError], Awaitable[None]]


class Endpoint:
    """ASGI application of one path. `cross_origin`: pages of other origins may call it, and read its responses if an
    app lists them.

    `runtime` None: taken from the scope, for a route that exists before the runtime. `on_rejected` runs for calls that
    are refused before the handler: over the rate limit of their address, or with a wrong query. Never raises: the
    host's error pages are not for hullo's callers.
    """

    def __init__(
        self,
        runtime: AsyncRuntime | None,
        methods: Mapping[str, Operation],
        *,
        cross_origin: bool = False,
        on_rejected: RejectionHandler | None = None,
    ) -> None:
        self._runtime = runtime
        self._operations = dict(methods)
        if "GET" in methods:
            self._operations["HEAD"] = methods["GET"]  # the server drops the body
        self._allow: Header = (b"allow", ", ".join(methods).encode())
        self._cross_origin = cross_origin
        self._on_rejected = on_rejected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(self._runtime or scope[RUNTIME_KEY], scope, receive)
        headers: tuple[Header, ...] = ()
        error: Exception | None = None
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return
        except Exception as failed:
            response, error = error_response(failed, request.request_id), failed
            log_refusal(request, failed)
            # A 405 must name the methods that the path takes (RFC 9110 §15.5.6).
            if isinstance(failed, MethodNotAllowed):
                response = replace(response, headers=(self._allow,))
        # A preflight has its own CORS headers, and a call with an API key comes from no page.
        if self._cross_origin and response.status != NO_CONTENT and not request.has_api_key:
            headers = await cors_headers(request, error)
        await send_response(response, request.request_id, headers, send)

    async def _respond(self, request: Request) -> Response:
        method: str = request.scope["method"]
        operation = self._operations.get(method)
        try:
            await self._admit(request, operation)
            if operation is not None:
                return await operation.handler(request)
        except KeyRequired:
            # Cross-origin paths have counted the call already.
            if not self._cross_origin:
                await count_call(request)  # limits guessing of keys
            raise
        # Without that header it is no preflight (Fetch).
        if method == "OPTIONS" and self._cross_origin and b"access-control-request-method" in request.headers:
            return await preflight_response(request)
        raise MethodNotAllowed("this path takes " + self._allow[1].decode())

    async def _admit(self, request: Request, operation: Operation | None) -> None:
        try:
            if self._cross_origin:
                await admit(request)  # preflights too: each one searches all apps
            # Before the handler: a mistyped parameter must not take effect in part.
            if operation is not None and not operation.takes_any_query:
                try:
                    request.read_query(operation.handler.__name__, operation.query)
                except Invalid:
                    # A caller without a credential is told that first, and nothing of the call.
                    await _require_credential(request, operation)
                    raise
        except HulloError as refusal:
            # A preflight is no identify, so observers hear nothing of it.
            if self._on_rejected is not None and request.scope["method"] != "OPTIONS":
                await self._on_rejected(request, refusal)
            raise


async def _require_credential(request: Request, operation: Operation) -> None:
    """Raise `KeyRequired` or `SessionRequired` where the operation needs what the call lacks."""
    ways = {name for way in operation.security for name in way}
    if ways == {"apiKey"} or ("apiKey" in ways and request.has_api_key):
        if await load_api_key(request) is None:
            raise KeyRequired
        return
    token = bearer_token(request.headers) or request.cookie_token()
    if "session" in ways and "appKey" not in ways and token is None:
        raise SessionRequired
