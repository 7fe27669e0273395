"""The applications that `hullo serve` runs: hullo under its prefix, and at `/` a page about it or the demo's shop."""

from __future__ import annotations

import gc
import html
import os
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final, Protocol

from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from hullo.application import Hullo
from hullo.background.worker import BackgroundWorker
from hullo.cli.logs import log_to_stderr
from hullo.errors import PluginError
from hullo.middleware import IdentityMiddleware
from hullo.settings import Settings, read_settings

DEMO_GROUP: Final = "hullo.demos"
DEMO_SITES: Final = "HULLO_DEMO_SITES"
"""The variable in which worker processes find the demo that they serve, with its secrets."""

COLLECTION_PAUSE: Final = 5.0
FLOOD_BLOCKS: Final = 200_000
"""Growth in Python's blocks of memory, some 80 bytes each, after which garbage is collected without waiting."""

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
<p>To see what hullo does, start it with <code>--demo</code>.</p>
</html>
"""


class DemoSites(Protocol):
    """The demo in one database: a shop, and its help centre on a second port. A plugin implements it."""

    @classmethod
    def open(cls, hullo: Hullo, shop_url: str, help_centre_url: str, *, is_public: bool) -> DemoSites:
        """Find the demo in this hullo's database, and create what is missing. May run again at each start.

        `is_public`: the sites answer to every host name, and not to those of a loopback address alone.
        """
        ...

    @classmethod
    def decode(cls, text: str) -> DemoSites:
        """Read what `encode` has written."""
        ...

    def encode(self) -> str:
        """Return the demo as text, with its secrets, for the environment of a worker process."""
        ...

    def application(self, hullo: Hullo) -> ASGIApp:
        """Build both sites. Raises `PluginError` for a plugin's wrong route."""
        ...

    @property
    def app_key(self) -> str:
        """The shop's app key."""
        ...

    @property
    def contact_id(self) -> str:
        """One of the shop's customers."""
        ...

    @property
    def directions(self) -> str:
        """The lines that the terminal shows: where to click."""
        ...


def load_demo() -> type[DemoSites]:
    """Load the demo. Raises `PluginError` for an installation without it."""
    # By entry point: core must not import the packages that stand above it.
    for entry_point in entry_points(group=DEMO_GROUP, name="shop"):
        demo: type[DemoSites] = entry_point.load()
        return demo
    raise PluginError("no installed package offers the demo; install hullo again")


def demo_settings(settings: Settings) -> Settings:
    """Turn the session cookie on: the shop's own pages know their visitor by it (`identity_of`)."""
    return replace(settings, cookie=replace(settings.cookie, on=True))


def create_application(hullo: Hullo, demo: DemoSites | None = None) -> ASGIApp:
    """Build the application: the demo's, or else hullo with a page at `/`. Raises `PluginError`."""
    if demo is not None:
        return demo.application(hullo)
    application = Starlette(
        routes=[Route("/", _root(hullo.settings.prefix))], middleware=[Middleware(IdentityMiddleware, hullo=hullo)]
    )
    # Starlette builds it with the first request, and a visitor would find the wrong route of a plugin.
    application.middleware_stack = application.build_middleware_stack()
    return application


def freeze_gc() -> Callable[[], None]:
    """Take what is loaded by now out of garbage collection. Return the function that undoes it.

    For a process that does nothing but serve, once it is ready to. Its modules and classes stay until it ends. Going
    through them again at every few hundred values that requests make costs a tenth of an identify. The collector still
    frees what requests leave behind: seldom by count, and within seconds after a flood of them.
    """
    before = gc.get_threshold()
    # First collected, as frozen garbage would stay until the process ends.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    collector = BackgroundWorker("collector", _FloodCollector().run_once)
    collector.start()
    collector.wake()

    def undo() -> None:
        collector.stop(timeout=1.0)
        gc.unfreeze()
        gc.set_threshold(*before)

    return undo


class _FloodCollector:
    """Collects garbage when much more memory is in use than after the last time."""

    def __init__(self) -> None:
        self._blocks = sys.getallocatedblocks()

    def run_once(self) -> float:
        """Look once. Returns the seconds until the next look."""
        # By growth and not always: a full collection stops every request for as long as it lasts.
        if sys.getallocatedblocks() - self._blocks > FLOOD_BLOCKS:
            gc.collect()
            self._blocks = sys.getallocatedblocks()
        else:
            self._blocks = min(self._blocks, sys.getallocatedblocks())
        return COLLECTION_PAUSE


def create_worker_application() -> ASGIApp:
    """Build the application of one of several worker processes, from its environment alone."""
    from hullo.cli.http_protocol import bound_connections

    log_to_stderr()
    settings = read_settings()
    bound_connections(settings)
    # The environment is all that a spawned worker gets from its parent.
    encoded_demo = os.environ.get(DEMO_SITES)
    if encoded_demo is None:
        application = create_application(Hullo(settings=settings))
    else:
        application = create_application(Hullo(settings=demo_settings(settings)), load_demo().decode(encoded_demo))
    freeze_gc()
    return application


def _root(prefix: str) -> Callable[[Request], HTMLResponse]:
    # Escaped, although operators choose the prefix: it may hold `&`.
    page = PAGE.format(prefix=html.escape(prefix))

    def root(request: Request) -> HTMLResponse:  # noqa: ARG001 - Starlette passes it to every endpoint
        # The page needs no script, style or image, so it allows none.
        return HTMLResponse(page, headers={"Content-Security-Policy": "default-src 'none'"})

    return root
