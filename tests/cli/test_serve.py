"""`hullo serve`, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from cli.serving import PATIENCE, Server
from cli.terminal import HULLO, Terminal

Start = Callable[..., Server]


def test_serve_makes_database_prints_url_and_answers(start: Start, terminal: Terminal):
    server = start().ready()
    assert server.url.startswith("http://127.0.0.1:")
    assert (terminal.folder / "hullo.db").exists()
    assert server.call("GET", "/hullo/readyz").status == 200

    root = server.call("GET", "/")
    assert b"hullo is running" in root.body
    assert b'href="/hullo/healthz"' in root.body
    assert "server" not in {name.lower() for name in root.headers}

    app = terminal.json("app", "create", "Shop")
    body = {"app_key": app["app_key"], "external_id": "user_123"}
    body["user_hash"] = terminal.json("hash", app["app_key"], "user_123")["user_hash"]
    answer = server.call("POST", "/hullo/v1/identify", body, **{"Content-Type": "application/json"})
    assert answer.json["standing"] == "proven"
    assert terminal.json("contacts", "show", answer.json["contact_id"])["external_id"] == "user_123"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_server_cleanly(start: Start, how: signal.Signals):
    server = start().ready()
    assert server.stop(how) == 0
    assert server.told() == f"hullo is serving on {server.url}\n"
    assert server.printed() == ""


def test_serve_json_prints_one_document(start: Start):
    server = start("--json").ready()
    server.stop()
    document = json.loads(server.printed())
    assert document == {"url": server.url, "prefix": "/hullo", "pid": server.process.pid}


def test_running_call_is_answered_before_shutdown(start: Start):
    server = start().ready()
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        body = b'{"app_key": "app_nobody"}'
        head = f"POST /hullo/v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:5])
        server.call("GET", "/hullo/healthz")  # by its answer the first bytes have been read
        server.process.send_signal(signal.SIGTERM)
        connection.sendall(body[5:])
        assert connection.recv(1024).startswith(b"HTTP/1.1 404")
    assert server.wait() == 0


def test_taken_port_is_reported_and_nothing_written(terminal: Terminal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [*HULLO, "serve", "--port", str(port)],
            cwd=terminal.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == f"Error: cannot listen at 127.0.0.1 port {port}: Address already in use\n"
    assert not (terminal.folder / "hullo.db").exists()


def test_foreign_address_is_reported(terminal: Terminal):
    assert "cannot listen at nowhere.invalid" in terminal.refusal("serve", "--host", "nowhere.invalid")


def test_unopenable_database_is_reported(terminal: Terminal):
    (terminal.folder / "note.db").write_text("this is a note, and no database at all " * 100)
    result = subprocess.run(
        [*HULLO, "serve", "--port", "0", "--db", "sqlite:///note.db"],
        cwd=terminal.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 1
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_several_processes_serve_one_database(start: Start, terminal: Terminal):
    (terminal.folder / "other.toml").write_text('prefix = "/who"\nstore = "sqlite:///ignored.db"')
    app = terminal.json("app", "create", "Shop", "--db", "sqlite:///many.db")
    server = start("--workers", "2", "--db", "sqlite:///many.db", "--config", "other.toml").ready("/who")
    joined = server.call("POST", "/who/v1/join", {"app_key": app["app_key"]})
    assert joined.status == 200
    assert server.call("GET", "/who.json").status == 404
    assert server.stop() == 0
    assert not (terminal.folder / "ignored.db").exists()
    assert server.told().count("no bus connects the workers") == 1


def test_memory_store_refuses_several_processes(terminal: Terminal):
    assert "processes cannot share this store" in terminal.misuse("serve", "--workers", "2", "--db", "memory:")


def test_log_line_per_call_omits_the_query(start: Start, terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    server = start().ready()
    server.call("GET", "/?hullo_identity=secret")
    server.call("POST", "/hullo/v1/identify", {"app_key": app["app_key"], "email": "jane@example.com"})
    server.stop()
    lines = server.told().splitlines()
    [line] = [line for line in lines if "event=identified" in line]
    assert line.startswith("time=")
    assert " level=info logger=hullo.identify " in line
    assert "secret" not in "".join(lines)
    assert "jane" not in "".join(lines)


def install(folder: Path, plugin: str) -> dict[str, str]:
    """Offers a plugin named `odd` as an installed package would, and uses it. Gives the environment that finds it."""
    package = folder / "odd-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[hullo.plugins]\nodd = odd:Odd\n")
    (folder / "odd.py").write_text(dedent(plugin))
    (folder / "hullo.toml").write_text('plugins = ["odd"]')
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_broken_plugin_routes_stop_the_start(start: Start, terminal: Terminal, workers: str):
    environment = install(
        terminal.folder,
        """
        from hullo import hookimpl
        class Odd:
            name = "odd"
            @hookimpl
            def routes(self):
                return ["no route"]
        """,
    )
    server = start("--workers", workers, **environment)
    assert server.wait() == 1
    assert server.told().startswith("Error: plugin 'odd' answered routes with str")


@pytest.mark.slow
def test_workers_failing_to_start_end_the_server(start: Start, terminal: Terminal):
    environment = install(
        terminal.folder,
        """
        import multiprocessing
        from hullo import HulloError, hookimpl
        class Odd:
            name = "odd"
            @hookimpl
            def startup(self):
                if multiprocessing.parent_process() is not None:
                    raise HulloError("I live alone")
        """,
    )
    server = start("--workers", "2", **environment)
    assert server.wait() == 1
    assert "I live alone" in server.told()
    assert "Error: the server could not start; the log above says why\n" in server.told()
    assert "Traceback" not in server.told()


def test_uvicorn_start_failure_exits_with_status_1(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    def give_up(self: object, sockets: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr("uvicorn.Server.run", give_up)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert "could not start" in terminal.type("serve", "--port", "0").stderr
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def call_until_refused(server: Server, faults: list[str], answered: list[int]) -> None:
    """Make one call per connection until the server takes none, and note every other end of a connection."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    while True:
        try:
            connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
        except ConnectionError:
            return  # before it was accepted
        with connection:
            try:
                connection.sendall(b"GET /hullo/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = connection.recv(1024)
            except OSError as error:
                answer = type(error).__name__.encode()
        if answer.startswith(b"HTTP/1.1 200"):
            answered.append(1)
        else:
            faults.append(answer.decode() or "closed")


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    # The tracker of shared resources is Python's own, and ends by itself.
    return [pid for pid in map(int, children.split()) if b"tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize(("workers", "to_all"), [("1", False), ("2", False), ("2", True)])
def test_stopping_server_resets_no_call(start: Start, workers: str, to_all: bool):
    server = start("--workers", workers).ready()
    faults: list[str] = []
    answered: list[int] = []
    threads = [threading.Thread(target=call_until_refused, args=(server, faults, answered)) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(answered) < 200:
        assert server.process.poll() is None, server.told()
        time.sleep(0.01)
    # A service manager signals every process of the service.
    for pid in [*(children_of(server.process) if to_all else []), server.process.pid]:
        os.kill(pid, signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert server.wait() == 0
    assert faults == []
