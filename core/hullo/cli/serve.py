"""`hullo serve`: the API over HTTP, in one process or several."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from starlette.types import ASGIApp

from hullo.application import Hullo
from hullo.cli.logs import log_to_stderr
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.site import (
    DEMO_SITES,
    DemoSites,
    create_application,
    create_worker_application,
    demo_settings,
    freeze_gc,
    load_demo,
)
from hullo.rules.origins import is_loopback
from hullo.settings import Settings
from hullo.store.urls import mask_secrets

if TYPE_CHECKING:
    import uvicorn

DEMO_PUBLIC: Final = "HULLO_DEMO_PUBLIC"
BACKLOG: Final = 2048
NOT_STARTED: Final = "the server could not start; the log above says why"
NO_BUS_WARNING: Final = (
    "no bus connects the workers, so a message reaches the sockets of another worker up to half a minute late; set bus "
    "or redis, for example HULLO_BUS=redis://localhost:6379/0, or use a PostgreSQL store"
)
MAX_MESSAGE_BYTES: Final = 256 * 1024
"""Bytes of a frame that the server still reads. hullo's own limit is lower, and its answer says so."""
SEND_TIMEOUT_SECONDS: Final = 60
"""How long a client may read nothing of what the server writes."""
SHUTDOWN_TIMEOUT_SECONDS: Final = 10
"""How long a server that stops waits for the requests that it has begun."""


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on. 0 takes a free port and prints it.",
)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="The number of processes.")
@click.option("--demo", is_flag=True, help="Serve a demo shop at /, and its help centre on the next port.")
@common_options
@pass_options
def serve_command(options: CommonOptions, host: str, port: int, workers: int, demo: bool) -> None:
    """Serve the API over HTTP.

    Creates the database first, or brings it up to date. SIGTERM and Ctrl+C end the server with status 0, after it has
    answered the requests that it has begun.
    """
    if demo:
        # First of all: nothing of the demo may exist when it is refused.
        _require_loopback(host)
    for stopping in (signal.SIGTERM, signal.SIGINT):
        # While uvicorn serves, it has handlers of its own. Then it sends the signal again, to this one.
        signal.signal(stopping, _stop)
    log_to_stderr()
    with ExitStack() as stack:
        # Before the database: a port that is taken ends the command before anything is written.
        listeners = [stack.enter_context(closing(_open_listener(host, port)))]
        if demo:
            # Port 0 takes any free port, and the one after it may be taken.
            help_centre_port = port + 1 if port else 0
            listeners.append(stack.enter_context(closing(_open_listener(host, help_centre_port))))
        settings = demo_settings(options.settings()) if demo else None
        with options.open_hullo(settings) as hullo:
            # Each worker would have a database of its own, and the session of one would be unknown to the others.
            if workers > 1 and not hullo.store.shared_between_processes:
                raise click.UsageError("processes cannot share this store; serve it with one worker")
            sites = _open_demo(hullo, *listeners) if demo else None
            application = create_application(hullo, sites)
            if workers > 1 and not hullo.bus.is_cross_process:
                click.echo(NO_BUS_WARNING, err=True)
            # The sockets accept connections already. Those wait for the server, which starts a moment later.
            _announce(options, hullo, sites, listeners[0])
            if workers == 1:
                _serve_here(application, hullo.settings, listeners)
        # Each worker opens the database for itself, after this process has closed it.
        if workers > 1:
            _serve_in_workers(options, hullo, sites, listeners, workers)


def _serve_here(application: ASGIApp, settings: Settings, listeners: list[socket.socket]) -> None:
    from hullo.cli.http_protocol import bound_connections
    from hullo.cli.stopping import DrainingServer

    bound_connections(settings)

    # Undone at the end: tests serve in a process that goes on.
    unfreeze_gc = freeze_gc()
    try:
        DrainingServer(_config(application)).run(sockets=listeners)
    except SystemExit as ended:
        # uvicorn ends with a status when the lifespan fails; a signal ends it with 0, which is no error.
        if ended.code:
            raise click.ClickException(NOT_STARTED) from ended
        raise
    finally:
        unfreeze_gc()


def _serve_in_workers(
    options: CommonOptions, hullo: Hullo, sites: DemoSites | None, listeners: list[socket.socket], workers: int
) -> None:
    from hullo.cli.stopping import Supervisor

    # Workers are fresh processes: they share nothing with this one but the environment.
    os.environ["HULLO_DB"] = hullo.settings.store
    # The file may have been replaced meanwhile, and both at once are refused.
    os.environ.pop("HULLO_DB_FILE", None)
    if options.config is not None:
        os.environ["HULLO_CONFIG"] = options.config
    # An inherited value would make the workers serve the demo of another start.
    os.environ.pop(DEMO_SITES, None)
    if sites is not None:
        os.environ[DEMO_SITES] = sites.encode()
    config = _config(
        f"{create_worker_application.__module__}:{create_worker_application.__name__}", workers=workers, factory=True
    )
    supervisor = Supervisor(config, sockets=listeners)
    supervisor.run()
    # The exit code of a process that a signal ended is negative.
    if any((worker.process.exitcode or 0) > 0 for worker in supervisor.processes):
        raise click.ClickException(NOT_STARTED)


def _config(application: Any, **more: Any) -> uvicorn.Config:
    import uvicorn

    from hullo.cli.http_protocol import BoundedHttpProtocol
    from hullo.cli.websocket import BoundedProtocol

    return uvicorn.Config(
        application,
        # `auto` would go on without the lifespan when it fails, so with a closed database.
        lifespan="on",
        # uvicorn's own setup would replace the handlers of `log_to_stderr`.
        log_config=None,
        # The access log shows query strings, and those hold identity tokens (T2).
        access_log=False,
        # The server's name and version are of use to an attacker only.
        server_header=False,
        # uvicorn knows no trusted proxy, so it must believe no header about the client's address. hullo reads its own
        # list of proxies.
        proxy_headers=False,
        http=BoundedHttpProtocol,
        # This driver needs the least memory for an idle socket. Compression would cost a socket more than it saves.
        ws=BoundedProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        **more,
    )


def _announce(options: CommonOptions, hullo: Hullo, sites: DemoSites | None, listener: socket.socket) -> None:
    url = _url(listener)
    click.echo(f"hullo is serving on {url}", err=True)
    if sites is not None:
        click.echo(sites.directions, err=True)
        # Another process cannot read a memory store.
        if not hullo.settings.store.startswith("memory:"):
            db_option = f" --db {mask_secrets(options.db)}" if options.db is not None else ""
            click.echo(f"  To see one of its customers:  hullo contacts show {sites.contact_id}{db_option}", err=True)
        click.echo("  To end the demo:  Ctrl+C\n", err=True)
    if options.as_json:
        document: dict[str, object] = {"url": url, "prefix": hullo.settings.prefix, "pid": os.getpid()}
        options.print_result({**document, "app_key": sites.app_key} if sites is not None else document, "")


def _open_demo(hullo: Hullo, shop_listener: socket.socket, help_centre_listener: socket.socket) -> DemoSites:
    shop_url, help_centre_url = _url(shop_listener), _url(help_centre_listener)
    # Browsers share the cookies of all ports of a host, so the help centre takes the host's other name.
    help_centre_url = help_centre_url.replace("//127.0.0.1:", "//localhost:")
    host = shop_listener.getsockname()[0]
    return load_demo().open(hullo, shop_url, help_centre_url, is_public=not _is_loopback(host))


def _url(listener: socket.socket) -> str:
    """Return the URL at which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    # The addresses that mean "all" are no addresses that a browser can open.
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, _in_url(host))
    return f"http://{reachable}:{port}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    return is_loopback(f"http://{_in_url(host)}")


def _open_listener(host: str, port: int) -> socket.socket:
    try:
        found = [address[0] for address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        # "localhost" has two addresses. IPv4 goes first: clients that use 127.0.0.1 must reach it.
        family = socket.AF_INET if socket.AF_INET in found else found[0]
        # Clients that use IPv4 expect to reach `::` too; some systems cannot serve both with one socket.
        both = host == "::" and socket.has_dualstack_ipv6()
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        # The first words are the system's. Python appends what it attempted.
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise click.ClickException(f"cannot listen at {host} port {port}: {reason}") from error
    if sys.platform == "linux":
        # Accepted connections inherit the option. Without it, a client that stops reading keeps its connection, and
        # the bytes that wait for it, without end.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_TIMEOUT_SECONDS * 1000)
    return listener


def _require_loopback(host: str) -> None:
    if not _is_loopback(host) and os.environ.get(DEMO_PUBLIC) != "1":
        raise click.UsageError(
            f"the demo logs in every visitor without a password, so it listens on this machine only; to let others "
            f"reach it at {host}, set {DEMO_PUBLIC}=1"
        )


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - Python passes them to each signal handler
    # An exception and no flag: it ends a start that is waiting for the database, and `ExitStack` closes all.
    raise SystemExit(0)
