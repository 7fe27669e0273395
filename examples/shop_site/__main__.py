"""A shop on one port and its help centre on the next, in one process: `python examples/shop_site`, or `make demo`."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Final

import anyio
import uvicorn
from apps import Addresses, open_apps
from help_centre import help_centre
from shop import shop
from starlette.applications import Starlette

HOST: Final = "127.0.0.1"
"""Nobody else may see a shop whose customers need no password."""
WORDS: Final = """
  The shop:          {shop}/
  Its help centre:   {help}/   another site, as far as a browser can tell
  Who am I?          {shop}/who
  The agent's desk:  {shop}/desk

  Write something in the chat, answer it at the desk, log in, and go to the help centre.
  Nothing is kept. Ctrl+C ends it.
"""


def listening(port: int) -> tuple[socket.socket, socket.socket]:
    """At this port and the next; 0 takes two that are free."""
    first = socket.create_server((HOST, port))
    try:
        return first, socket.create_server((HOST, port + 1 if port else 0))
    except OSError:
        first.close()
        raise


def server(application: Starlette) -> uvicorn.Server:
    # The driver of WebSockets by name, as the others take more memory for each.
    settings = {"ws": "websockets-sansio", "log_level": "warning", "timeout_graceful_shutdown": 2}
    return uvicorn.Server(uvicorn.Config(application, **settings))


async def serve(*sites: tuple[Starlette, socket.socket]) -> None:
    """Until a signal ends one of them, which ends all."""
    servers = [(server(application), listener) for application, listener in sites]

    async def until_one_ends(one: uvicorn.Server, listener: socket.socket) -> None:
        await one.serve(sockets=[listener])
        for each, _ in servers:
            each.should_exit = True

    async with anyio.create_task_group() as together:
        for each, listener in servers:
            together.start_soon(until_one_ends, each, listener)


def main() -> None:
    port = int(os.environ.get("PORT", "8000"))
    try:
        listeners = listening(port)
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen at ports {port} and {port + 1}: {error}; name another one: PORT=8080")
    here = Addresses(*(each.getsockname()[1] for each in listeners))
    apps = open_apps(here)
    print(f"the shop is serving on {here.shop}\n{WORDS.format(shop=here.shop, help=here.help_centre)}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        anyio.run(serve, (shop(apps, here), listeners[0]), (help_centre(apps.help_centre, here), listeners[1]))


if __name__ == "__main__":
    main()
