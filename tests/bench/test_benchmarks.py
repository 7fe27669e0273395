"""Every benchmark runs, in its smallest form: what it measures is no matter here."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.fixtures import require

BENCH = Path(__file__).parent
SMALL_BUS = "import bus, sys; bus.SECONDS, bus.BURSTS, bus.ROUND_TRIPS = 0.05, (1,), 5; bus.measure(sys.argv[1])"
SMALLEST = {
    "bus": f"-c {shlex.quote(SMALL_BUS)} POSTGRESQL",
    "duplicates": "duplicates.py --contacts 50",
    "fan_out": "fan_out.py --sockets 2 --rounds 1 --store POSTGRESQL",
    "identify": "identify.py --rounds 1 --seconds 0.1 --connections 2 --people 2",
    "idle_sockets": "idle_sockets.py --sockets 2",
    "provenance": "provenance.py",
    "search": "search.py --engines sqlite --contacts 50 --repeats 1 --searchers 1 --callers 1 --seconds 0.1 --rounds 1",
    "stores": "stores.py --engines sqlite postgresql --database-url POSTGRESQL --contacts 0 --rounds 1 --calls 2 "
    "--connections 2 --crowd-rounds 1 --seconds 0.05",
    # No visit: its browser takes longer than all others together.
    "widget": "widget.py --help",
}
"""With POSTGRESQL for the URL of an empty database."""


@pytest.fixture
def url() -> Iterator[str]:
    server = require("postgresql")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_benchmark_runs(name: str, request: pytest.FixtureRequest):
    given = shlex.split(SMALLEST[name])
    if "POSTGRESQL" in given:
        given[given.index("POSTGRESQL")] = request.getfixturevalue("url")
    done = subprocess.run([sys.executable, *given], cwd=BENCH, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_benchmark_has_a_smallest_form():
    programs = {path.stem for path in BENCH.glob("*.py") if "__main__" in path.read_text("utf-8")}
    assert programs - {Path(__file__).stem} == SMALLEST.keys()
