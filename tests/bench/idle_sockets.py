"""What an idle socket costs: hullo's, joined, beside the bare server's, in memory and one after the other.

    python tests/bench/idle_sockets.py [--sockets 10000]

Each is a process of its own, served as `hullo serve` does it. Resident memory is read from the system before and after
the sockets are opened, from two addresses of the loopback network, so that there are ports enough.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE_STARLETTE = """
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

async def socket(websocket):
    await websocket.accept()
    await websocket.receive_text()
    await websocket.send_text("{}")
    await websocket.receive_text()

application = Starlette(routes=[WebSocketRoute("/hullo/v1/socket", socket)])
"""
BARE_SERVER = """
async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": "{}"})
        await receive()
"""
SERVE_BARE = """
import socket as network, sys, uvicorn
{application}
listener = network.create_server(("127.0.0.1", 0), backlog=2048)
print("hullo is serving on http://127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
config = uvicorn.Config(application, lifespan="off", log_config=None, access_log=False, ws="websockets-sansio",
    ws_per_message_deflate=False, backlog=2048)
uvicorn.Server(config).run(sockets=[listener])
"""
HULLO = [sys.executable, "-m", "hullo"]


class Served:
    """One server process."""

    def __init__(self, command: list[str], folder: Path) -> None:
        log = folder / "log"
        environment = {**os.environ, "HULLO_LIMITS": "off", "HULLO_DEVELOPMENT": "1"}
        with log.open("wb") as said:
            self.process = subprocess.Popen(command, cwd=folder, stderr=said, env=environment)
        deadline = time.monotonic() + 30
        while not (found := re.search(r"serving on http://127.0.0.1:(\d+)", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        self.port = int(found[1])

    @property
    def resident(self) -> int:
        """KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found[1])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


async def connect(port: int, number: int, first: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A socket that has said its first frame and got the answer. By hand: ten thousand clients cost memory too."""
    local = (f"127.0.0.{2 + number // 20000}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local, limit=4096)
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = (
        f"GET /hullo/v1/socket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://localhost\r\n\r\n"
    )
    writer.write(handshake.encode())
    await reader.readuntil(b"\r\n\r\n")
    payload = first.encode()
    assert len(payload) < 126
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    writer.write(bytes([0x81, 0x80 | len(payload)]) + mask + masked)
    head = await reader.readexactly(2)
    length = head[1]
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    await reader.readexactly(length)
    return reader, writer


async def opened(port: int, sockets: int, first: str) -> list[asyncio.StreamWriter]:
    """All of them, fifty at a time."""
    held: list[asyncio.StreamWriter] = []
    for start in range(0, sockets, 50):
        batch = await asyncio.gather(
            *(connect(port, number, first) for number in range(start, min(start + 50, sockets)))
        )
        held += [writer for _, writer in batch]
    return held


async def measured(name: str, served: Served, sockets: int, first: str) -> float:
    """KiB a socket. A few are opened before, so that what is made once is not counted."""
    warm = await opened(served.port, 200, first)
    before, begun = served.resident, time.monotonic()
    held = await opened(served.port, sockets, first)
    took = time.monotonic() - begun
    await asyncio.sleep(1)  # whatever was garbage had time to go
    each = (served.resident - before) / sockets
    print(
        f"{name:<34} {each:6.1f} KiB a socket, {sockets} opened in {took:.1f} s, {served.resident // 1024} MiB in all"
    )
    for writer in (*warm, *held):
        writer.transport.abort()
    return each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sockets", type=int, default=10_000)
    sockets = parser.parse_args().sockets
    found: dict[str, float] = {}
    for name, application in (
        ("the bare server", BARE_SERVER),
        ("Starlette on it", BARE_STARLETTE),
        ("hullo serve", ""),
    ):
        with tempfile.TemporaryDirectory() as folder:
            first = json.dumps({"type": "join"})
            if application:
                command = [sys.executable, "-c", SERVE_BARE.format(application=application)]
            else:
                made = subprocess.check_output([*HULLO, "app", "create", "Shop", "--json"], cwd=folder)
                first = json.dumps({"type": "join", "app_key": json.loads(made)["app_key"]})
                command = [*HULLO, "serve", "--port", "0"]
            served = Served(command, Path(folder))
            try:
                found[name] = asyncio.run(measured(name, served, sockets, first))
            finally:
                served.end()
    hullo = found["hullo serve"]
    print(f"\nhullo / the bare server {hullo / found['the bare server']:.2f}")
    print(f"hullo / Starlette on it {hullo / found['Starlette on it']:.2f}")


if __name__ == "__main__":
    main()
