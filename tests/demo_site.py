"""The demo site as a process, for the tests that look at it from outside."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from reader import EXAMPLES, environment

COMMAND = (sys.executable, str(EXAMPLES / "shop_site"))
PATIENCE = 60
"""Seconds after which whoever neither serves nor ends never will."""


@dataclass(frozen=True)
class Sites:
    process: subprocess.Popen[str]
    shop: str
    help_centre: str

    def browser(self, **options: Any) -> httpx2.Client:
        """Keeps cookies as one would."""
        return httpx2.Client(base_url=self.shop, **options)


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Sites]:
    late = threading.Timer(PATIENCE, lambda: process.kill())
    variables = {**environment(), "PORT": str(port)}
    with subprocess.Popen(
        COMMAND, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        late.start()
        try:
            said = ""
            assert process.stdout is not None
            for line in process.stdout:
                said += line
                if "Ctrl+C" in line:
                    break
            found = re.search(r"The shop:\s+(\S+)/\n\s+Its help centre:\s+(\S+)/ ", said)
            assert found is not None, said
            late.cancel()
            yield Sites(process, found[1], found[2])
        finally:
            late.cancel()
            process.kill()
