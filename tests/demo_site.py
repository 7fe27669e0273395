"""The demo as a process, for tests that look at it from outside: both its sites, over an empty store in memory."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from cli.serving import Server
from reader import environment

COMMAND = (sys.executable, "-m", "hullo", "serve", "--demo", "--db", "memory:")
"""What `make demo` runs."""
LOG = "demo.log"


@dataclass(frozen=True)
class Sites:
    server: Server
    shop: str
    help_centre: str

    def browser(self, **options: Any) -> httpx2.Client:
        """Return a client that keeps cookies, as a browser does."""
        return httpx2.Client(base_url=self.shop, **options)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Sites]:
    """Serve the demo from the folder, which then holds its log and nothing else."""
    log = folder / LOG
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "--port", str(port)], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=stderr
        )
    server = Server(process, log)
    try:
        server.ready()
        yield sites_of(server)
    finally:
        server.end()


def sites_of(server: Server) -> Sites:
    """Read the two addresses that a server with `--demo` has printed."""
    found = re.search(r"The shop:\s+(\S+)/\n\s+Its help centre:\s+(\S+)/ ", server.told())
    assert found is not None, server.told()
    return Sites(server, found[1], found[2])
