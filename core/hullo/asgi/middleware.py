"""hullo in front of a host application, as pure ASGI middleware."""

from __future__ import annotations

from typing import Any

from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hullo.app import Hullo
from hullo.asgi.answer import send_answer
from hullo.asgi.arrival import Arrivals
from hullo.asgi.edge import EDGE_KEY, Edge
from hullo.asgi.identity import IDENTITY_KEY
from hullo.asgi.lifespan import live
from hullo.asgi.problems import problem_of
from hullo.asgi.routes import nowhere, own_routes
from hullo.asgi.scope import route_path
from hullo.asgi.visitors import identify_caller
from hullo.errors import SettingsError


class IdentityMiddleware:
    """Serves hullo's API under a prefix, and tells the host's own routes who is calling (`identity_of`).

    `prefix` None takes the one of the settings. `app_key` says whose visitors the host's own routes know; None takes
    those of every app in the store, which is right where there is one, or where all are the host's own.

    Opens hullo with the host's lifespan, or on the first request where there is none. Runs on asyncio and on trio;
    touches nothing of the host's scope but a copy.
    """

    def __init__(self, app: ASGIApp, hullo: Hullo, prefix: str | None = None, app_key: str | None = None) -> None:
        self.app = app
        self._hullo = hullo
        self._app_key = app_key
        self._prefix = prefix if prefix is not None else hullo.settings.prefix
        if not self._prefix.startswith("/") or self._prefix.endswith("/"):
            raise SettingsError("a prefix begins with / and does not end with it, such as /hullo")
        self._edge = Edge(hullo)
        self._arrivals = Arrivals(self._edge, app_key)
        added = hullo.hooks.routes(hullo)
        own = own_routes(self._edge, added)
        # Paths without parameters are looked up before the router tries one pattern after the other: it would cost
        # an identify that changes nothing a tenth of its time.
        self._fixed: dict[tuple[str, str], ASGIApp] = {
            ("websocket" if isinstance(route, WebSocketRoute) else "http", route.path): route.endpoint
            for route in own
            if "{" not in route.path
        }
        self._router = Router([*own, *added], redirect_slashes=False, default=nowhere(self._edge))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            if scope["type"] == "lifespan":
                await self._edge.live(live(self.app, self._hullo, scope, receive, send))
            else:
                await self.app(scope, receive, send)
            return
        path = route_path(scope)
        if path.startswith(self._prefix) and path[len(self._prefix) :][:1] in {"", "/"}:
            below = path[len(self._prefix) :]
            endpoint = self._fixed.get((scope["type"], below))
            if endpoint is not None:
                await endpoint(scope, receive, send)
            else:
                await self._route(below, scope, receive, send)
            return
        if self._arrivals.expects(scope):
            await self._arrivals.welcome(scope, receive, send)
            return
        identity = await identify_caller(self._edge, scope, self._app_key)
        await self.app({**scope, IDENTITY_KEY: identity}, receive, send)

    async def _route(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._router(self._below(path, scope), receive, watch)
        except Exception as error:
            # Of a plugin's route: hullo's own endpoints raise nothing.
            if started or scope["type"] != "http":
                raise
            request_id = self._hullo.moment().new_id("req")
            await send_answer(problem_of(error, request_id), request_id, (), send)

    def _below(self, path: str, scope: Scope) -> Scope:
        """The scope that routes see: as if hullo were an application mounted at its prefix."""
        root_path = f"{scope.get('root_path', '')}{self._prefix}"
        below: dict[str, Any] = {
            **scope,
            "path": f"{root_path}{path}",
            "root_path": root_path,
            "app_root_path": root_path,
            "router": self._router,
            "path_params": {},
            EDGE_KEY: self._edge,
        }
        # An outer Starlette's error pages are for its own pages.
        below.pop("starlette.exception_handlers", None)
        return below
