"""A running `hullo serve`, looked at from outside."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that anything may take on a busy machine; nothing waits for longer than it must."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """`ready()` first; afterwards it can be called and ended."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def ready(self, prefix: str = "/hullo") -> Server:
        """Waits until it says where it serves, then polls `healthz` until that answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            said = re.search(r"^hullo is serving on (\S+)$", self.told(), re.MULTILINE)
            if said is not None:
                self.url = said[1]
                try:
                    if self.call("GET", f"{prefix}/healthz").status == 200:
                        return self
                except OSError:
                    pass  # not there yet
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.05)

    def told(self) -> str:
        """What it has printed on standard error so far."""
        return self.log.read_text("utf-8")

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Reply(answer.code, dict(answer.headers), answer.read())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit status."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def printed(self) -> str:
        """Everything that it printed on standard output, once it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.read().decode()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
