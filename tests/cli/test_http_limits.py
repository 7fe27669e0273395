"""What one client can make the server hold, measured in bytes and counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from cli.serving import PATIENCE, Server
from cli.terminal import Terminal
from hullo.asgi.address import TrustedProxies
from hullo.cli.connections import ConnectionBudget
from hullo.cli.http_protocol import BoundedHttpProtocol, bound_connections
from hullo.settings import Settings

MIB = 1024 * 1024
HEAD = b"GET /hullo/healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST /hullo/v1/join HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SETTINGS = """
[server]
connections = 12
connections_per_address = 3
first_byte_seconds = 1
head_seconds = 1
body_seconds = 1
"""


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    """A server with the default limits."""
    return start().ready()


@pytest.fixture
def narrow(start: Callable[..., Server], terminal: Terminal) -> Server:
    """A server with few connections and little patience."""
    (terminal.folder / "hullo.toml").write_text(SETTINGS)
    return start().ready()


def connect(server: Server, source: str = "127.0.0.1") -> socket.socket:
    address = (urlsplit(server.url).hostname or "", urlsplit(server.url).port or 0)
    return socket.create_connection(address, timeout=PATIENCE, source_address=(source, 0))


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass  # it did not read all that was sent
    return answer


def memory(server: Server) -> int:
    """Return the bytes of memory that the server's process holds."""
    fields = Path(f"/proc/{server.process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def send_without_end(connection: socket.socket, endless: bytes, limit: int) -> int:
    """Send the same bytes until the server closes the connection. Returns the bytes that it took."""
    sent = 0
    try:
        while sent < limit:
            connection.sendall(endless)
            sent += len(endless)
    except OSError:
        return sent
    return sent


ENDLESS = {
    "short headers": (HEAD, b"X-Abcdef: abcdefghij\r\n" * 3000),
    "one value": (HEAD + b"X: ", b"a" * 65536),
    "one name": (HEAD, b"a" * 65536),
    "address": (b"GET /", b"a" * 65536),
    "trailers": (CHUNKED + b"0\r\n", b"X-Abcdef: abcdefghij\r\n" * 3000),
    "chunk extension": (CHUNKED + b"5;", b"a" * 65536),
}


def test_endless_head_ends_the_connection(server: Server) -> None:
    before = memory(server)
    for case, (begin, endless) in ENDLESS.items():
        with closing(connect(server)) as connection:
            connection.sendall(begin)
            # More than the buffers of the system and one read of the server hold.
            assert send_without_end(connection, endless, 64 * MIB) < 16 * MIB, case
        assert server.call("GET", "/hullo/healthz").status == 200, case
    assert memory(server) - before < 16 * MIB


def test_large_head_is_answered_431(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    with closing(connect(server)) as connection:
        connection.sendall(HEAD + b"X: " + b"a" * 60_000 + b"\r\nConnection: close\r\n\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_unread_pipelined_requests_stop_the_reading(server: Server) -> None:
    before = memory(server)
    with closing(connect(server)) as connection:
        connection.settimeout(2)
        taken = 0
        requests = (HEAD + b"\r\n") * 1000
        try:
            while taken < 64 * MIB:
                taken += connection.send(requests)
        except TimeoutError:
            pass
        assert taken < 32 * MIB
        assert memory(server) - before < 32 * MIB
    assert server.call("GET", "/hullo/healthz").status == 200
    assert "level=error" not in server.told()


def test_pipelined_requests_are_all_answered(server: Server) -> None:
    paths = [b"/hullo/healthz" if number % 3 else b"/nothing" for number in range(2000)]
    with closing(connect(server)) as connection:
        # The answers are fewer bytes than the buffers hold, so that nothing has to be read meanwhile.
        connection.sendall(b"".join(b"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths))
        connection.sendall(b"GET /hullo/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = read_to_end(connection)
    statuses = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert statuses == [b"200" if path == b"/hullo/healthz" else b"404" for path in paths] + [b"200"]


def test_request_is_answered_once_at_most(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(CHUNKED + b"zz\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    with closing(connect(server)) as connection:
        connection.sendall(CHUNKED + b"%x\r\n" % (2 * MIB) + b" " * MIB)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        # A second answer would be taken for that of the next request.
        connection.sendall(b" " * MIB + b"no end")
        assert b"HTTP/1.1 " not in read_to_end(connection)


UNFINISHED = {
    b"": b"",
    b"GET /hullo/healthz HT": b"HTTP/1.1 408 Request Timeout\r\n",
    b"POST /hullo/v1/join HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{": b"",
}


def test_unfinished_request_ends_in_time(narrow: Server) -> None:
    with ExitStack() as stack:
        waiting = {sent: stack.enter_context(closing(connect(narrow))) for sent in UNFINISHED}
        for sent, connection in waiting.items():
            connection.sendall(sent)
        answers = {sent: read_to_end(connection).partition(b"content-type")[0] for sent, connection in waiting.items()}
        assert answers == UNFINISHED


def test_addresses_have_a_share_of_connections(narrow: Server) -> None:
    with ExitStack() as stack:

        def open_one(source: str) -> bool:
            """Open a connection, and return whether the server serves it."""
            connection = stack.enter_context(closing(connect(narrow, source)))
            connection.sendall(HEAD + b"\r\n")
            return connection.recv(65536).startswith(b"HTTP/1.1 200 ")

        held = [connect(narrow, "127.0.0.2") for _ in range(3)]
        assert not open_one("127.0.0.2")
        assert open_one("127.0.0.3")
        for connection in held:
            connection.close()
        # The end of a connection is noticed in a turn of the server's loop, after the next request at the latest.
        assert narrow.call("GET", "/hullo/healthz").status == 200
        assert open_one("127.0.0.2")


@pytest.fixture
def budget() -> ConnectionBudget:
    return ConnectionBudget(8, 5, TrustedProxies(["10.0.0.0/8"]))


def test_budget_counts_addresses_and_total(budget: ConnectionBudget) -> None:
    # A quarter of all at most, whatever the setting says.
    assert [budget.admit("192.0.2.1") for _ in range(3)] == [True, True, False]
    proxy = budget.address_of(("10.1.2.3", 1))
    assert [budget.admit(proxy) for _ in range(7)] == [True] * 6 + [False]
    assert not budget.admit("192.0.2.2")
    budget.release(proxy)
    assert budget.admit("192.0.2.2")


def test_socket_counts_in_total_alone(budget: ConnectionBudget) -> None:
    assert all(budget.admit("192.0.2.1") for _ in range(2))
    budget.release_address("192.0.2.1")
    assert [budget.admit("192.0.2.1") for _ in range(2)] == [True, False]
    assert [budget.admit(None) for _ in range(6)] == [True] * 5 + [False]


def test_ipv6_customer_has_one_share(budget: ConnectionBudget) -> None:
    addresses = {budget.address_of((f"2001:db8::{number}", 1)) for number in range(1, 9)}
    assert len(addresses) == 1
    assert budget.address_of(None) is None


def test_unread_body_stops_the_reading() -> None:
    arrived = threading.Event()

    async def never_reads(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await anyio.sleep_forever()

    bound_connections(Settings())
    config = uvicorn.Config(never_reads, http=BoundedHttpProtocol, lifespan="off", log_config=None)
    serving = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
        thread.start()
        with closing(socket.create_connection(listener.getsockname(), timeout=PATIENCE)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
            assert arrived.wait(PATIENCE)
            connection.settimeout(2)
            # The buffers of the system take some; the server takes a read or two.
            assert send_without_end(connection, b"x" * 65536, 64 * MIB) < 24 * MIB
        serving.should_exit = serving.force_exit = True
        thread.join(PATIENCE)
