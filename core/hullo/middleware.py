"""`IdentityMiddleware`: hullo in front of a host application, as pure ASGI middleware."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hullo.api.hop_redirect import HopRedirect
from hullo.api.routes import api_routes, not_found_app
from hullo.api.runtime import RUNTIME_KEY, AsyncRuntime
from hullo.api.visitors import identify_caller
from hullo.application import Hullo
from hullo.asgi.identity import IDENTITY_KEY
from hullo.asgi.lifespan import serve_lifespan
from hullo.asgi.problems import error_response
from hullo.asgi.response import send_response
from hullo.asgi.scope import route_path
from hullo.errors import SettingsError
from hullo.realtime.endpoint import SocketEndpoint


class IdentityMiddleware:
    """Serves hullo's API under a prefix, and gives the host's own routes the caller's identity (`identity_of`).

    `prefix` None takes the one of the settings. `app_key` names the app whose visitors the host's own routes recognise;
    None means every app in the store, which is right where there is one, or where all are the host's own. Raises
    `SettingsError` for a prefix that is no path.

    Opens hullo with the host's lifespan, or on the first request where there is none. Runs on asyncio and on trio;
    changes a copy of the host's scope, never the scope itself.
    """

    def __init__(self, app: ASGIApp, hullo: Hullo, prefix: str | None = None, app_key: str | None = None) -> None:
        self.app = app
        self._hullo = hullo
        self._app_key = app_key
        self._prefix = prefix if prefix is not None else hullo.settings.prefix
        # An empty prefix or "/" would take every path of the host.
        if not self._prefix.startswith("/") or self._prefix.endswith("/"):
            raise SettingsError("a prefix begins with / and does not end with it, such as /hullo")
        self._runtime = AsyncRuntime(hullo)
        self._hop_redirect = HopRedirect(self._runtime, app_key)
        added = hullo.hooks.routes(hullo)
        self._sockets = SocketEndpoint(self._runtime)
        own: list[Route | WebSocketRoute] = [
            *api_routes(self._runtime, added),
            WebSocketRoute("/v1/socket", self._sockets),
        ]
        # Paths without parameters are looked up before the router tries one pattern after the other: it would cost
        # an identify that changes nothing a tenth of its time.
        self._static_routes: dict[tuple[str, str], ASGIApp] = {
            ("websocket" if isinstance(route, WebSocketRoute) else "http", route.path): route.endpoint
            for route in own
            if "{" not in route.path
        }
        # hullo's routes first: no plugin takes over a path of the API. No redirects: a preflight may not follow one.
        self._router = Router([*own, *added], redirect_slashes=False, default=not_found_app(self._runtime))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            # hullo opens before the host starts and closes after it has stopped: the host's own startup may use it.
            if scope["type"] == "lifespan":
                await self._runtime.lifespan(serve_lifespan(self.app, self._hullo, scope, receive, send))
            else:
                # Scope types that hullo does not know are the host's.
                await self.app(scope, receive, send)
            return
        path = route_path(scope)
        # A whole segment: /hullos is a path of the host.
        if path.startswith(self._prefix) and path[len(self._prefix) :][:1] in {"", "/"}:
            below = path[len(self._prefix) :]
            endpoint = self._static_routes.get((scope["type"], below))
            if endpoint is not None:
                await endpoint(scope, receive, send)
            else:
                await self._route(below, scope, receive, send)
            return
        # Before the host renders a page: an identity token must leave the address bar first (T3).
        if self._hop_redirect.matches(scope):
            await self._hop_redirect.serve(scope, receive, send)
            return
        identity = await identify_caller(self._runtime, scope, self._app_key)
        # A copy: an outer middleware may still read the scope, and must find it unchanged.
        await self.app({**scope, IDENTITY_KEY: identity}, receive, send)

    async def _route(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._router(self._mounted_scope(path, scope), receive, watch)
        except Exception as error:
            # A plugin's route raised it: hullo's own endpoints raise nothing. A response that has begun, or a socket,
            # can only be ended by the server.
            if started or scope["type"] != "http":
                raise
            request_id = self._hullo.new_context().new_id("req")
            await send_response(error_response(error, request_id), request_id, (), send)

    def _mounted_scope(self, path: str, scope: Scope) -> Scope:
        """Build the scope that routes see: as if hullo were an application mounted at its prefix."""
        root_path = f"{scope.get('root_path', '')}{self._prefix}"
        below: dict[str, Any] = {
            **scope,
            # `path` holds `root_path` as well (ASGI HTTP); Starlette takes it off again.
            "path": f"{root_path}{path}",
            "root_path": root_path,
            # `url_for` in a plugin's route builds addresses from these two.
            "app_root_path": root_path,
            "router": self._router,
            "path_params": {},
            RUNTIME_KEY: self._runtime,
        }
        # An outer Starlette's error pages are for its own pages: API clients expect problem details.
        below.pop("starlette.exception_handlers", None)
        return below
