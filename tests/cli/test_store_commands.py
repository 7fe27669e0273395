"""`hullo store copy`."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import sqlite_file
from cli.odd_store import offer_a_store
from cli.serving import PATIENCE, Server
from cli.terminal import Terminal
from hullo.application import Hullo
from peopled import fill

IN_SMALL_CHUNKS = (
    sys.executable,
    "-c",
    "import hullo.store.copying as copying; copying.copy_store.__kwdefaults__['chunk'] = 40; "
    "from hullo.cli import main; main()",
)


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a file holds but its history, which tells when."""
    return {name: rows for name, rows in sqlite_file.rows_of(path).items() if name != "hullo_migration"}


def filled(terminal: Terminal, people: int) -> None:
    with Hullo(f"sqlite:///{terminal.folder}/hullo.db") as hullo:
        fill(hullo.store, people)


def test_copy_reports_tables_and_serves_the_same(terminal: Terminal):
    filled(terminal, 24)
    document = terminal.json("store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db")
    assert (document["source"], document["target"]) == ("sqlite:///hullo.db", "sqlite:///copy.db")
    assert document["rows"] == sum(each["rows"] for each in document["tables"]) == 265
    assert [each["name"] for each in document["tables"]][:5] == [
        "workspace",
        "app",
        "identity_key",
        "api_key",
        "contact",
    ]
    assert all(len(each["digest"]) == 64 for each in document["tables"])
    assert rows_of(terminal.folder / "copy.db") == rows_of(terminal.folder / "hullo.db")
    apps = [terminal.json("app", "list", "--db", f"sqlite:///{name}.db") for name in ("hullo", "copy")]
    assert apps[0] == apps[1] != {"items": []}


def test_copy_prints_a_table_and_next_step(terminal: Terminal):
    filled(terminal, 3)
    text = terminal.text("store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db")
    head, workspace, *_ = text.splitlines()
    assert head.split() == ["TABLE", "ROWS", "SHA-256"]
    assert workspace.split()[:2] == ["workspace", "1"]
    assert "Copied and compared 41 rows: both databases are the same." in text
    assert "hullo serve --db sqlite:///copy.db" in text


def test_progress_goes_to_stderr(terminal: Terminal):
    filled(terminal, 1)
    result = terminal.type("store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db", "--json")
    assert result.stderr == "Copying: 100 %\nVerifying: 100 %\n"
    assert json.loads(result.stdout)["rows"] == 18


@pytest.mark.slow
def test_killed_copy_resumes_where_it_was(terminal: Terminal):
    filled(terminal, 300)
    command = [*IN_SMALL_CHUNKS, "store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db", "--json"]
    source, target = terminal.folder / "hullo.db", terminal.folder / "copy.db"
    rows = sum(map(len, rows_of(source).values()))
    kills: list[int] = []
    for threshold in sorted(random.sample(range(1, rows), 5)):
        with subprocess.Popen(
            command, cwd=terminal.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as copy:
            deadline = time.monotonic() + PATIENCE
            while count(target) < threshold and copy.poll() is None:
                assert time.monotonic() < deadline
            copy.kill()
        kills.append(count(target))
        # Nobody opens it meanwhile, and the next try knows it again.
        assert "unfinished" in terminal.refusal("app", "list", "--db", "sqlite:///copy.db")
        assert "unfinished" in terminal.refusal("store", "copy", "sqlite:///copy.db", "sqlite:///third.db")
    assert kills == sorted(kills)
    assert len(set(kills)) > 1
    done = subprocess.run(command, cwd=terminal.folder, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert rows_of(target) == rows_of(source)
    whole = terminal.json("store", "copy", "sqlite:///hullo.db", "sqlite:///at-once.db")
    assert json.loads(done.stdout)["tables"] == whole["tables"]
    terminal.json("app", "list", "--db", "sqlite:///copy.db")


def count(path: Path) -> int:
    """How many rows there are, of a database that is being filled."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(path)) as database:
            of_hullo = [name for name in sqlite_file.tables_of(database) if not name.startswith(("sqlite_", "hullo_"))]
            return sum(database.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in of_hullo)
    except sqlite3.OperationalError:
        return 0  # it is being made


def test_unfinished_copy_is_not_served(terminal: Terminal, start: Callable[..., Server]):
    filled(terminal, 24)
    (terminal.folder / "stop.py").write_text(
        "import os, hullo.store.copying as copying\n"
        "copying._verify = lambda *each: os._exit(9)\n"
        "from hullo.cli import main\nmain()\n"
    )
    command = [sys.executable, "stop.py", "store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db"]
    assert subprocess.run(command, cwd=terminal.folder, capture_output=True, timeout=PATIENCE).returncode == 9
    server = start("--db", "sqlite:///copy.db")
    assert server.wait() == 1
    assert "unfinished copy" in server.told()
    advice = next(each for each in terminal_findings(terminal, "sqlite:///copy.db") if each["name"] == "schema")
    assert "unfinished copy" in advice["advice"]


def terminal_findings(terminal: Terminal, url: str) -> list[dict[str, str]]:
    findings: list[dict[str, str]] = json.loads(terminal.type("doctor", "--db", url, "--json").stdout)["findings"]
    return findings


class TestRefusals:
    def test_nonempty_target_is_refused(self, terminal: Terminal):
        filled(terminal, 1)
        terminal.json("app", "create", "Shop", "--db", "sqlite:///other.db")
        before = rows_of(terminal.folder / "other.db")
        assert "not empty" in terminal.refusal("store", "copy", "sqlite:///hullo.db", "sqlite:///other.db")
        assert rows_of(terminal.folder / "other.db") == before

    def test_finished_copy_is_refused_as_target(self, terminal: Terminal):
        filled(terminal, 1)
        terminal.json("store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db")
        assert "not empty" in terminal.refusal("store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db")

    def test_copy_onto_the_same_database_is_refused(self, terminal: Terminal):
        filled(terminal, 1)
        told = terminal.misuse("store", "copy", "sqlite:///hullo.db", f"sqlite:///{terminal.folder}/hullo.db")
        assert "the same database" in told

    def test_missing_source_is_refused(self, terminal: Terminal):
        assert "there is no database" in terminal.refusal("store", "copy", "sqlite:///none.db", "sqlite:///copy.db")
        assert os.listdir(terminal.folder) == []

    @pytest.mark.parametrize("urls", [("memory:", "sqlite:///copy.db"), ("sqlite:///hullo.db", "memory:")])
    def test_memory_store_is_not_copied(self, terminal: Terminal, urls: tuple[str, str]):
        assert "memory: cannot be copied: its store keeps no rows" in terminal.misuse("store", "copy", *urls)

    def test_unsupported_store_is_refused_without_its_password(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ):
        offer_a_store(terminal.folder, monkeypatch)
        told = terminal.misuse("store", "copy", "odd://me:s3cret@host/db", "sqlite:///copy.db")
        assert "odd://me:***@host/db cannot be copied" in told
        assert "s3cret" not in told

    def test_writes_during_the_copy_are_detected(self, terminal: Terminal):
        filled(terminal, 24)
        (terminal.folder / "meanwhile.py").write_text(
            "import sqlite3, hullo.store.copying as copying\n"
            "verified = copying._verify\n"
            "def write_and_verify(*each):\n"
            "    with sqlite3.connect('hullo.db') as database:\n"
            "        database.execute(\"UPDATE contact SET version = version + 1 WHERE id = 'con_a000000'\")\n"
            "    return verified(*each)\n"
            "copying._verify = write_and_verify\n"
            "from hullo.cli import main\nmain()\n"
        )
        command = [sys.executable, "meanwhile.py", "store", "copy", "sqlite:///hullo.db", "sqlite:///copy.db"]
        told = subprocess.run(command, cwd=terminal.folder, capture_output=True, text=True, timeout=PATIENCE)
        assert (told.returncode, told.stdout) == (1, "")
        error = told.stderr.splitlines()[-1]
        assert "written to while it was copied (1 row of contact differs)" in error
        assert "stop every server that uses either" in error


def test_copy_needs_source_and_target(terminal: Terminal):
    terminal.misuse("store", "copy", "sqlite:///hullo.db")
