"""`hullo serve`: the API over HTTP, in one process or several."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from starlette.applications import Starlette

from hullo.application import Hullo
from hullo.cli.demo.shop import Shop, open_shop
from hullo.cli.logs import log_to_stderr
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.site import DEMO_APP_KEY, create_application, freeze_gc
from hullo.rules.origins import is_loopback
from hullo.store.urls import mask_secrets

if TYPE_CHECKING:
    import uvicorn

DEMO_PUBLIC: Final = "HULLO_DEMO_PUBLIC"
BACKLOG: Final = 2048
NOT_STARTED: Final = "the server could not start; the log above says why"
NO_BUS_WARNING: Final = (
    "no bus connects the workers, so a message reaches the sockets of another worker up to half a minute late; set bus "
    "or redis, such as HULLO_BUS=redis://localhost:6379/0, or use a PostgreSQL store"
)
MAX_MESSAGE_BYTES: Final = 256 * 1024
"""Bytes of a frame that the server still reads, so that hullo can say itself that it was too large."""
SEND_TIMEOUT_SECONDS: Final = 60
"""How long a client may take nothing of what is written for it."""
SHUTDOWN_TIMEOUT_SECONDS: Final = 10
"""How long a server that was told to stop waits for the calls that it has begun to answer."""


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen; 0 takes a free port and says which.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--demo", is_flag=True, help="Add a demo shop with a few people, and serve its site at /.")
@common_options
@pass_options
def serve_command(options: CommonOptions, host: str, port: int, workers: int, demo: bool) -> None:
    """Serve the API, making the database or bringing it up to date first.

    Ends with status 0 on SIGTERM and on Ctrl+C, once the calls that it has begun are answered.
    """
    if demo:
        _require_loopback(host)
    for stopping in (signal.SIGTERM, signal.SIGINT):
        # While uvicorn serves it has its own handlers; then it repeats the signal to whoever was there before.
        signal.signal(stopping, _stop)
    log_to_stderr()
    # First, as a port that is taken should be found before anything is written.
    with closing(_open_listener(host, port)) as listener:
        with options.open_hullo() as hullo:
            if workers > 1 and not hullo.store.shared_between_processes:
                raise click.UsageError("this store is not shared between processes: serve it with one worker")
            shop = open_shop(hullo) if demo else None
            application = create_application(hullo, shop.app_key if shop else None)
            if workers > 1 and not hullo.bus.is_cross_process:
                click.echo(NO_BUS_WARNING, err=True)
            # Whoever calls from here on waits until the server takes the call, a moment later.
            _announce(options, hullo, shop, listener)
            if workers == 1:
                _serve_here(application, listener)
        # Each worker opens the database for itself, after this process has closed it.
        if workers > 1:
            _serve_in_workers(options, hullo, shop, listener, workers)


def _serve_here(application: Starlette, listener: socket.socket) -> None:
    import uvicorn

    as_before = freeze_gc()
    try:
        uvicorn.Server(_config(application)).run(sockets=[listener])
    except SystemExit as ended:
        if ended.code:
            raise click.ClickException(NOT_STARTED) from ended
        raise
    finally:
        as_before()


def _serve_in_workers(
    options: CommonOptions, hullo: Hullo, shop: Shop | None, listener: socket.socket, workers: int
) -> None:
    from uvicorn.supervisors import Multiprocess

    # They are fresh processes: the environment is what they share with this one.
    os.environ["HULLO_DB"] = hullo.settings.store
    if options.config is not None:
        os.environ["HULLO_CONFIG"] = options.config
    os.environ.pop(DEMO_APP_KEY, None)
    if shop is not None:
        os.environ[DEMO_APP_KEY] = shop.app_key
    config = _config("hullo.cli.site:create_worker_application", workers=workers, factory=True)
    supervisor = Multiprocess(config, sockets=[listener])
    supervisor.run()
    # A worker that was ended has the number of the signal there, which is negative.
    if any((each.process.exitcode or 0) > 0 for each in supervisor.processes):
        raise click.ClickException(NOT_STARTED)


def _config(application: Any, **more: Any) -> uvicorn.Config:
    import uvicorn

    from hullo.cli.websocket import BoundedProtocol

    return uvicorn.Config(
        application,
        lifespan="on",
        log_config=None,
        # It would show query strings, and those hold identity tokens (T2).
        access_log=False,
        server_header=False,
        # No proxy is listed, so nobody's word about the caller's address is taken.
        proxy_headers=False,
        # Of those that there are, an idle socket costs it least. Compressing would cost each more than it has to say.
        ws=BoundedProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        **more,
    )


def _announce(options: CommonOptions, hullo: Hullo, shop: Shop | None, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    url = f"http://{reachable}:{port}"
    click.echo(f"hullo is serving on {url}", err=True)
    if shop is not None:
        click.echo(f"\n  See who a visitor is:  {url}/\n  The demo's app key:    {shop.app_key}", err=True)
        if not hullo.settings.store.startswith("memory:"):
            where = f" --db {mask_secrets(options.db)}" if options.db is not None else ""
            show = f"hullo contacts show {shop.contact_ids[0]}{where}"
            click.echo(f"  One of its customers:  {show}", err=True)
        click.echo("  Ctrl+C ends it.\n", err=True)
    if options.as_json:
        document: dict[str, object] = {"url": url, "prefix": hullo.settings.prefix, "pid": os.getpid()}
        options.print_result({**document, "app_key": shop.app_key} if shop is not None else document, "")


def _open_listener(host: str, port: int) -> socket.socket:
    try:
        found = [each[0] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        # "localhost" is two addresses, and whoever types 127.0.0.1 means the older.
        family = socket.AF_INET if socket.AF_INET in found else found[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        # Python adds what it attempted; the first words are the system's.
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise click.ClickException(f"cannot listen at {host} port {port}: {reason}") from error
    if sys.platform == "linux":
        # Those that it accepts have it too. A client that takes nothing any more would otherwise keep what was written
        # for it, and its connection, for as long as it likes.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_TIMEOUT_SECONDS * 1000)
    return listener


def _require_loopback(host: str) -> None:
    named = f"[{host}]" if ":" in host else host
    if not is_loopback(f"http://{named}") and os.environ.get(DEMO_PUBLIC) != "1":
        raise click.UsageError(
            f"the demo signs for anybody who asks, so it listens at 127.0.0.1 only; set {DEMO_PUBLIC}=1 to show "
            f"it at {host} all the same"
        )


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - what a signal handler is handed
    raise SystemExit(0)
