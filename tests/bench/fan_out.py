"""How long a message takes to all sockets that may see it: so many devices of one person, in two server processes.

    python tests/bench/fan_out.py [--sockets 1000] [--rounds 10] [--store postgresql://… | --bus redis://…]

Without a server it is SQLite with the Redis at its usual port. Each socket has a session of its own, so that each is
judged for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from hullo import Hullo


def serve(folder: Path, number: int, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    log = folder / f"log-{number}"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "hullo", "serve", "--port", "0"], cwd=folder, stderr=said, env=environment
        )
    deadline = time.monotonic() + 30
    while not (found := re.search(r"serving on (http://\S+)", log.read_text())):
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    return process, found[1]


def call(url: str, path: str, body: object, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/hullo/v1{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


async def joined(url: str, app_key: str, identity: dict[str, str]) -> tuple[ClientConnection, str]:
    socket = await connect(f"{url.replace('http', 'ws')}/hullo/v1/socket", max_queue=None, compression=None)
    await socket.send(json.dumps({"type": "join", "app_key": app_key, "identity": identity}))
    answer = json.loads(await socket.recv())
    assert answer["standing"] == "proven", answer
    return socket, answer["session_token"]


async def measured(urls: list[str], app_key: str, api_key: str, identity: dict[str, str], given: Any) -> None:
    sockets: list[ClientConnection] = []
    token = ""
    for start in range(0, given.sockets, 20):
        numbers = range(start, min(start + 20, given.sockets))
        opened = await asyncio.gather(*(joined(urls[each % 2], app_key, identity) for each in numbers))
        sockets += [socket for socket, _ in opened]
        token = opened[0][1]
    begun = await asyncio.to_thread(call, urls[0], "/conversations", {"text": "hello"}, token)
    await asyncio.gather(*(socket.recv() for socket in sockets))
    path = f"/conversations/{begun['id']}/messages"
    last, middle = list[float](), list[float]()
    for number in range(given.rounds):
        sent = time.monotonic()
        arrivals = asyncio.gather(*(arrival(socket, f"reply {number}", sent) for socket in sockets))
        await asyncio.to_thread(call, urls[number % 2], path, {"text": f"reply {number}"}, api_key)
        told = sorted(await arrivals)
        middle.append(told[len(told) // 2])
        last.append(told[-1])
    print(
        f"{given.sockets} sockets in two processes, {given.rounds} messages: the last socket was told after "
        f"{statistics.median(last) * 1000:.0f} ms (median; slowest {max(last) * 1000:.0f} ms), the middle one after "
        f"{statistics.median(middle) * 1000:.0f} ms"
    )
    for socket in sockets:
        socket.transport.abort()


async def arrival(socket: ClientConnection, text: str, sent: float) -> float:
    frame = json.loads(await socket.recv())
    assert frame["text"] == text, frame
    return time.monotonic() - sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--store")
    parser.add_argument("--bus")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{folder}/hullo.db"
        bus = given.bus or (None if given.store else "redis://127.0.0.1:6379/0")
        environment = {**os.environ, "HULLO_DB": url, "HULLO_LIMITS": "off", **({"HULLO_BUS": bus} if bus else {})}
        with Hullo(url) as hullo:
            app = hullo.create_app("Fan-out", workspace=f"bench {time.time_ns()}")
            api_key = hullo.create_api_key(app_key=app.app_key).secret
            identity = {"external_id": "user_1", "user_hash": hullo.user_hash(app.app_key, "user_1")}
        processes: list[subprocess.Popen[bytes]] = []
        try:
            urls: list[str] = []
            for number in range(2):
                process, where = serve(Path(folder), number, environment)
                processes.append(process)
                urls.append(where)
            asyncio.run(measured(urls, app.app_key, api_key, identity, given))
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


if __name__ == "__main__":
    main()
