"""How much an identify costs beside the bare route that it is built on.

    python tests/bench/identify.py [--rounds 5] [--seconds 3] [--connections 64] [--people 10000] [--db URL]

One server process on one core, one client process on another, and three kinds of request in turn, round by round:

- `bare`: a Starlette route that decodes the same body with the same decoder and answers about as much,
- `unchanged`: a signed identify that changes nothing,
- `write`: a signed identify that changes one custom value.

The machine may be busy with other things, so look at the ratios: each is of two figures of one round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

from hullo import Hullo
from hullo.cli.site import create_application, freeze_gc

KINDS = ("bare", "unchanged", "write")


def serve(db: str, port: int) -> None:
    """The process that is measured."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send

    decoder, answer = (
        msgspec.json.Decoder(),
        b'{"identified":true,"standing":"claimed","padding":"' + b"x" * 300 + b'"}',
    )

    async def bare(request: Request) -> Response:
        decoder.decode(await request.body())
        return Response(answer, media_type="application/json")

    plain = Starlette(routes=[Route("/bare", bare, methods=["POST"])])
    identifying = create_application(Hullo(db))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Beside each other and not inside: the bare route shall not pass through what it is compared with.
        await (plain if scope.get("path") == "/bare" else identifying)(scope, receive, send)

    freeze_gc()
    uvicorn.run(app, port=port, log_level="warning", access_log=False, loop="uvloop", http="httptools")


@dataclass
class Person:
    """One connection's visitor."""

    number: int
    token: str
    body: dict[str, Any]


@dataclass
class Figures:
    """What one kind of request took in one round."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as the last is answered."""

    def __init__(self, request: Callable[[], bytes], figures: Figures, until: float) -> None:
        self._request, self._figures, self._until = request, figures, until
        self._buffer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        self._buffer = body[length:]
        now = time.perf_counter()
        self._figures.latencies.append(now - self._sent)
        if not head.startswith(b"HTTP/1.1 200"):
            self._figures.failures += 1
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request())


async def load(port: int, requests: list[Callable[[], bytes]], seconds: float) -> Figures:
    """Every connection sends its own requests, one after the other, for so long."""
    started = time.perf_counter()
    figures = Figures(seconds=0)
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for request in requests:
        _, client = await loop.create_connection(
            lambda request=request: Client(request, figures, started + seconds), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    figures.seconds = time.perf_counter() - started
    return figures


def http(path: str, body: bytes, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def requests_of(kind: str, people: list[Person]) -> list[Callable[[], bytes]]:
    encode = msgspec.json.encode
    path = "/bare" if kind == "bare" else "/hullo/v1/identify"

    def writing(person: Person) -> Callable[[], bytes]:
        def request() -> bytes:
            person.number += 1
            person.body["custom_data"]["order_count"] = person.number
            return http(path, encode(person.body), person.token)

        return request

    def repeating(person: Person) -> Callable[[], bytes]:
        whole = http(path, encode(person.body), person.token)
        return lambda: whole

    make = writing if kind == "write" else repeating
    return [make(person) for person in people]


def populate(db: str, connections: int, contacts: int) -> list[Person]:
    """The people of the connections, and others, so that the tables are no toys."""
    with Hullo(db) as hullo:
        app = hullo.create_app("Bench")
        people: list[Person] = []
        every = max(contacts // connections, 1)
        for number in range(max(contacts, connections)):
            body = {
                "app_key": app.app_key,
                "external_id": f"user_{number:08}",
                "email": f"user{number}@example.com",
                "name": "Jane Doe",
                "company": "Acme Inc",
                "user_hash": hullo.user_hash(app.app_key, f"user_{number:08}"),
                "custom_data": {"plan": "pro", "order_count": 42, "trial": False},
            }
            outcome = hullo.identify(body).result
            if number % every == 0 and len(people) < connections:
                assert outcome.session_token is not None
                people.append(Person(number=42, token=outcome.session_token, body=body))
        return people


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(process: int, core: int) -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(process, {cores[core % len(cores)]})


def measure(options: argparse.Namespace, db: str) -> dict[str, list[Figures]]:
    print(f"filling {db} with {options.people} people …", file=sys.stderr)
    people = populate(db, options.connections, options.people)
    port = free_port()
    # All connections come from one address, and each session calls as often as it can.
    unlimited = {**os.environ, "HULLO_LIMITS": "off"}
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port), "--db", db], env=unlimited)
    rounds: dict[str, list[Figures]] = {kind: [] for kind in KINDS}
    try:
        pin(server.pid, 0)
        pin(0, 1)
        wait_for(port)
        for number in range(options.rounds + 1):
            for kind in random.sample(KINDS, len(KINDS)):
                figures = uvloop.run(load(port, requests_of(kind, people), options.seconds))
                if number:  # the first round warms up
                    rounds[kind].append(figures)
            print(f"round {number} of {options.rounds}", file=sys.stderr)
    finally:
        server.terminate()
        server.wait()
    return rounds


def report(rounds: dict[str, list[Figures]]) -> None:
    print(f"{'':<10} {'requests/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'of bare':>8}   lowest to highest")
    for kind, all_figures in rounds.items():
        ratios = [one.rate / bare.rate for one, bare in zip(all_figures, rounds["bare"], strict=True)]
        median = statistics.median
        print(
            f"{kind:<10} {median(one.rate for one in all_figures):>10.0f} "
            f"{median(one.percentile(0.5) for one in all_figures):>8.2f} "
            f"{median(one.percentile(0.99) for one in all_figures):>8.2f} "
            f"{median(ratios):>8.2f}   {min(ratios):.2f} to {max(ratios):.2f}"
        )
        if failures := sum(one.failures for one in all_figures):
            print(f"{'':<10} {failures} answers were not 200")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--db", help="a store URL; a new SQLite file unless given")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.db, options.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        db = options.db or f"sqlite:///{Path(folder) / 'bench.db'}"
        report(measure(options, db))


if __name__ == "__main__":
    main()
