"""Most commands run in this process, in an empty folder of their own; servers are processes of theirs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.serving import Server
from cli.terminal import HULLO, Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HULLO_")]:
        monkeypatch.delenv(name)
    return Terminal(tmp_path)


@pytest.fixture
def start(terminal: Terminal) -> Iterator[Callable[..., Server]]:
    """Starts `hullo serve` as a process of its own, at a free port, and ends it after the test."""
    started: list[Server] = []

    def begin(*words: str, **environment: str) -> Server:
        log = terminal.folder / f"server-{len(started)}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*HULLO, "serve", "--port", "0", *words],
                cwd=terminal.folder,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        server = Server(process, log)
        started.append(server)
        return server

    yield begin
    for server in started:
        server.end()
