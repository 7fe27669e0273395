"""Startup and shutdown, with hosts of every kind."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware, hookimpl
from hullo.errors import StoreUnavailable


class Diary:
    """Notes when hullo opens and closes."""

    name = "diary"

    def __init__(self):
        self.events = []

    @hookimpl
    def startup(self, hullo):
        self.events.append("hullo opens")

    @hookimpl
    def shutdown(self, hullo):
        self.events.append("hullo closes")


class Server:
    """The server's side of a lifespan: sends what it is told to, and keeps what it hears."""

    def __init__(self, app, diary=None):
        self.app = app
        self.diary = diary
        self.heard = []

    def run(self, backend):
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive():
            return messages.pop(0)

        async def send(message):
            self.heard.append(message)
            if self.diary is not None:
                self.diary.events.append(message["type"])

        anyio.run(self.app, {"type": "lifespan", "state": {}}, receive, send, backend=backend)


def _middleware(app, diary, store="memory:"):
    return IdentityMiddleware(app, Hullo(store, plugins=[diary]))


def test_hullo_opens_before_host_closes_after(backend):
    diary = Diary()

    @asynccontextmanager
    async def lifespan(app):
        diary.events.append("host starts")
        yield {"host": "state"}
        diary.events.append("host stops")

    hullo = Hullo("memory:", plugins=[diary])
    app = Starlette(lifespan=lifespan, middleware=[Middleware(IdentityMiddleware, hullo=hullo)])
    Server(app, diary).run(backend)
    assert diary.events == [
        "hullo opens",
        "host starts",
        "lifespan.startup.complete",
        "host stops",
        "hullo closes",
        "lifespan.shutdown.complete",
    ]
    assert not hullo.is_open


class _Unreachable:
    max_concurrent_batches = 1
    max_concurrent_reads = 1
    shared_between_processes = False

    def open(self):
        raise StoreUnavailable("the database cannot be reached")

    def __getattr__(self, name):
        raise AssertionError(name)


def test_failing_store_fails_start_in_words(backend):
    started = []

    async def app(scope, receive, send):
        started.append(scope)

    server = Server(IdentityMiddleware(app, Hullo(_Unreachable())))
    with pytest.raises(StoreUnavailable):
        server.run(backend)
    assert server.heard == [
        {"type": "lifespan.startup.failed", "message": "hullo cannot start: the database cannot be reached"}
    ]
    assert started == []


def test_failing_plugin_fails_start_in_words(backend):
    class Stuck:
        name = "stuck"

        @hookimpl
        def startup(self, hullo):
            raise OSError("no such queue")

    server = Server(_middleware(None, Stuck()))
    with pytest.raises(OSError, match="queue"):
        server.run(backend)
    assert server.heard[0]["message"] == "hullo cannot start: OSError: no such queue"


async def _raises_at_once(scope, receive, send):
    raise RuntimeError("http only")


async def _raises_after_reading(scope, receive, send):
    await receive()
    raise KeyError(scope["type"])


async def _returns(scope, receive, send):
    return


async def _completes_and_returns(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def _waits_and_returns(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()


async def _reads_to_the_end_in_silence(scope, receive, send):
    await receive()
    await receive()


@pytest.mark.parametrize(
    "app",
    [
        _raises_at_once,
        _raises_after_reading,
        _returns,
        _completes_and_returns,
        _waits_and_returns,
        _reads_to_the_end_in_silence,
    ],
)
def test_host_without_lifespan_is_stood_in_for(app, backend):
    diary = Diary()
    Server(_middleware(app, diary), diary).run(backend)
    assert diary.events == [
        "hullo opens",
        "lifespan.startup.complete",
        "hullo closes",
        "lifespan.shutdown.complete",
    ]


def test_host_failing_to_start_stops_server(backend):
    diary = Diary()

    @asynccontextmanager
    async def lifespan(app):
        raise ValueError("no configuration")
        yield

    server = Server(_middleware(Starlette(lifespan=lifespan), diary), diary)
    with pytest.raises(ValueError, match="configuration"):
        server.run(backend)
    assert diary.events == ["hullo opens", "hullo closes", "lifespan.startup.failed"]


async def _fails_in_words(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no"})


async def _stops_badly(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "no"})


async def _breaks_later(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    raise ValueError


def test_host_startup_failed_message_is_passed_on(backend):
    diary = Diary()
    Server(_middleware(_fails_in_words, diary), diary).run(backend)
    assert diary.events == ["hullo opens", "hullo closes", "lifespan.startup.failed"]


def test_host_shutdown_failure_is_passed_on(backend):
    diary = Diary()
    Server(_middleware(_stops_badly, diary), diary).run(backend)
    assert diary.events[-2:] == ["hullo closes", "lifespan.shutdown.failed"]


def test_host_breaking_later_raises_to_server(backend):
    diary = Diary()
    with pytest.raises(ValueError):
        Server(_middleware(_breaks_later, diary), diary).run(backend)
    assert diary.events == ["hullo opens", "lifespan.startup.complete", "hullo closes"]


def test_no_lifespan_opens_on_first_request(backend):
    diary = Diary()
    hullo = Hullo("memory:", plugins=[diary])
    client = TestClient(IdentityMiddleware(None, hullo), backend=backend)  # no `with`: no lifespan
    client.get("/hullo/healthz")
    assert diary.events == []
    for _ in range(3):
        assert client.get("/hullo/readyz").status_code == 200
    assert diary.events == ["hullo opens"]


def test_lifespan_may_run_more_than_once(backend):
    diary = Diary()
    app = _middleware(_raises_at_once, diary)
    for _ in range(2):
        with TestClient(app, backend=backend) as client:
            assert client.get("/hullo/readyz").status_code == 200
    assert diary.events == ["hullo opens", "hullo closes"] * 2


def test_mounted_hullo_closes_at_exit(tmp_path):
    program = tmp_path / "mounted.py"
    program.write_text(
        """
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware, hookimpl


class Diary:
    name = "diary"

    @hookimpl
    def shutdown(self):
        print("hullo closes")


hosted = IdentityMiddleware(Starlette(), Hullo("memory:", plugins=[Diary()]))
answer = TestClient(Starlette(routes=[Mount("/inner", hosted)])).get("/inner/hullo/readyz")
print(answer.status_code)
"""
    )
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines() == ["200", "hullo closes"]
