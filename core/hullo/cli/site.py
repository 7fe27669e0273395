"""What `hullo serve` serves: hullo under its prefix, and at `/` a page that says so, or the demo."""

from __future__ import annotations

import gc
import html
import os
from collections.abc import Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from hullo.application import Hullo
from hullo.cli.demo.routes import demo_routes
from hullo.cli.logs import log_to_stderr
from hullo.middleware import IdentityMiddleware
from hullo.settings import read_settings

DEMO_APP_KEY: Final = "HULLO_DEMO_APP"
"""How the parent of several workers tells them that they serve the demo, and for which app."""

PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hullo</title>
<h1>hullo is running</h1>
<p>The API is at <code>{prefix}/v1/</code>.</p>
<ul>
<li><a href="{prefix}/healthz">Is this process up?</a></li>
<li><a href="{prefix}/readyz">Is it ready, with its database?</a></li>
</ul>
<p>To see what it does, start it with <code>--demo</code>.</p>
</html>
"""


def create_application(hullo: Hullo, demo_app_key: str | None = None) -> Starlette:
    """The application; with the key of the demo's app, the demo too. Raises `PluginError`."""
    routes: Sequence[BaseRoute]
    if demo_app_key is not None:
        routes = demo_routes(hullo, demo_app_key)
    else:
        routes = [Route("/", _root(hullo.settings.prefix))]
    application = Starlette(routes=routes, middleware=[Middleware(IdentityMiddleware, hullo=hullo)])
    # Starlette would build it with the first call, and a plugin's wrong route be found by a visitor.
    application.middleware_stack = application.build_middleware_stack()
    return application


def freeze_gc() -> Callable[[], None]:
    """For a process that does nothing but serve, once it is ready to. Gives what undoes it.

    What is loaded by now stays until the process ends: looking through it again and again, at every few hundred
    values that requests make, costs a tenth of an identify. What they leave behind is collected as ever.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)

    def undo() -> None:
        gc.unfreeze()
        gc.set_threshold(*before)

    return undo


def create_worker_application() -> Starlette:
    """The application of one of several workers, which learns everything from its environment."""
    log_to_stderr()
    application = create_application(Hullo(settings=read_settings()), os.environ.get(DEMO_APP_KEY))
    freeze_gc()
    return application


def _root(prefix: str) -> Callable[[Request], HTMLResponse]:
    page = PAGE.format(prefix=html.escape(prefix))

    def root(request: Request) -> HTMLResponse:  # noqa: ARG001 - Starlette hands it in
        return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})

    return root
