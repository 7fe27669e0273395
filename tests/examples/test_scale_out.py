"""The example of two servers does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from databases import Databases, Engine
from reader import EXAMPLES, environment

SCALE_OUT = EXAMPLES / "scale_out" / "run.py"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_two_servers_on_one_database_lose_nothing(engine: Engine, tmp_path: Path, databases: Databases) -> None:
    database = ("--db", databases.empty(engine, tmp_path))
    told = subprocess.run(
        (sys.executable, SCALE_OUT, "--seconds", "1", *database),
        cwd=tmp_path,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    counts = {line.split()[0]: line.split()[1] for line in told.stdout.splitlines() if len(line.split()) > 1}
    assert int(counts["answered"].replace(",", "")) > 0
    assert (counts["wrong"], counts["lost"], counts["doubled"]) == ("0", "0", "0")
