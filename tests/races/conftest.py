"""Servers of hullo as processes of their own, on each engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.serving import Server
from cli.terminal import HULLO
from databases import ENGINES, Databases


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> str:
    """Of an empty database."""
    return databases.empty(request.param, tmp_path)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str, int], list[Server]]]:
    """Starts so many servers over one database, and ends them after the test."""
    started: list[Server] = []

    def start(url: str, servers: int) -> list[Server]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HULLO_")}
        environment["HULLO_LIMITS"] = "off"  # everybody calls from one address, and as fast as they can
        begun: list[Server] = []
        for _ in range(servers):
            log = tmp_path / f"server-{len(started)}.log"
            with log.open("wb") as stderr:
                process = subprocess.Popen(
                    [*HULLO, "serve", "--port", "0", "--db", url],
                    cwd=tmp_path,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            begun.append(Server(process, log))
            started.append(begun[-1])
        return [server.ready() for server in begun]

    yield start
    for server in started:
        server.end()
