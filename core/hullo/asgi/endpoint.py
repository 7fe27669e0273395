"""One path under hullo's prefix: picks the handler, and turns whatever comes of it into an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from hullo.asgi.answer import NO_CONTENT, Answer, Header, send_answer
from hullo.asgi.edge import EDGE_KEY, Edge
from hullo.asgi.exchange import ClientLeft, Exchange
from hullo.asgi.origins import cors_headers, preflight
from hullo.asgi.problems import problem_of
from hullo.asgi.rates.admission import admit, count
from hullo.errors import HulloError, KeyRequired, MethodNotAllowed, RateLimited

Handler = Callable[[Exchange], Awaitable[Answer]]
Refused = Callable[[Exchange, HulloError], Awaitable[None]]


class Endpoint:
    """An ASGI application. `browser`: pages of other origins may call it, and read its answers where an app lists them.

    `edge` None: the one that serves the request, for a route that is made before there is any. `refused` is told of
    calls that were too many for their address to reach a handler. Never raises: the host's own error pages are not for
    hullo's callers.
    """

    def __init__(
        self,
        edge: Edge | None,
        methods: Mapping[str, Handler],
        *,
        browser: bool = False,
        refused: Refused | None = None,
    ) -> None:
        self._edge = edge
        self._handlers = dict(methods)
        if "GET" in methods:
            self._handlers["HEAD"] = methods["GET"]  # servers leave out the body themselves
        self._allow: Header = (b"allow", ", ".join(methods).encode())
        self._browser = browser
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(self._edge or scope[EDGE_KEY], scope, receive)
        headers: tuple[Header, ...] = ()
        error: Exception | None = None
        try:
            answer = await self._answer(exchange)
        except ClientLeft:
            return
        except Exception as failed:
            answer, error = problem_of(failed, exchange.request_id), failed
            if isinstance(failed, MethodNotAllowed):
                answer = replace(answer, headers=(self._allow,))
        if self._browser and answer.status != NO_CONTENT and not exchange.by_api_key:
            headers = await cors_headers(exchange, error)
        await send_answer(answer, exchange.request_id, headers, send)

    async def _answer(self, exchange: Exchange) -> Answer:
        method: str = exchange.scope["method"]
        if self._browser:
            await self._admit(exchange)  # what a browser asks beforehand too: every app is looked through for it
        handler = self._handlers.get(method)
        if handler is not None:
            try:
                return await handler(exchange)
            except KeyRequired:
                if not self._browser:
                    await count(exchange)  # whoever guesses at keys
                raise
        if method == "OPTIONS" and self._browser and b"access-control-request-method" in exchange.headers:
            return await preflight(exchange)
        raise MethodNotAllowed("this path takes " + self._allow[1].decode())

    async def _admit(self, exchange: Exchange) -> None:
        try:
            await admit(exchange)
        except RateLimited as refusal:
            if self._refused is not None and exchange.scope["method"] != "OPTIONS":
                await self._refused(exchange, refusal)
            raise
