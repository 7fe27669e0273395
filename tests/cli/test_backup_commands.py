"""`hullo backup` and `hullo restore`."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from cli.odd_store import offer_a_store
from cli.serving import PATIENCE, Server
from cli.terminal import HULLO, Terminal

Start = Callable[..., Server]


def app_names(terminal: Terminal) -> list[str]:
    return [app["name"] for app in terminal.json("app", "list")["items"]]


def test_restore_brings_back_the_backup(terminal: Terminal):
    terminal.json("app", "create", "Before")
    made = terminal.json("backup", "hullo.bak")
    size = (terminal.folder / "hullo.bak").stat().st_size
    assert made == {"file": "hullo.bak", "bytes": size}
    assert size > 0
    terminal.json("app", "create", "After")
    assert terminal.json("restore", "hullo.bak", "--yes") == {"file": "hullo.bak", "restored": True}
    assert app_names(terminal) == ["Before"]


def test_backup_prints_its_place_and_content(terminal: Terminal):
    terminal.json("migrate")
    told = terminal.text("backup", "hullo.bak")
    size = (terminal.folder / "hullo.bak").stat().st_size
    assert told.startswith(f"Backed up to hullo.bak, {size / 2**20:.1f} MiB. ")
    # Nothing would be replaced, so that nobody is asked.
    assert "You can start the servers again" in terminal.text("restore", "hullo.bak")


def test_progress_goes_to_stderr(terminal: Terminal):
    terminal.json("app", "create", "Shop")
    assert terminal.type("backup", "hullo.bak", "--json").stderr == "Copying: 100 %\nChecking: 100 %\n"
    restored = terminal.type("restore", "hullo.bak", "--yes", "--json")
    assert restored.stderr == "Checking: 100 %\nRestoring: 100 %\n"


@pytest.mark.slow
class TestWithAServer:
    def test_live_backup_holds_one_moment(self, start: Start, terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HULLO_LIMITS", "off")  # all the visitors have one address
        app = terminal.json("app", "create", "Shop")
        server = start().ready()
        stop = threading.Event()
        visitors = 0

        def visit() -> None:
            nonlocal visitors
            while not stop.is_set():
                body = {"app_key": app["app_key"], "email": f"{visitors}@mail.example", "name": "x" * 200}
                assert server.call("POST", "/hullo/v1/identify", body).status == 200
                visitors += 1

        busy = threading.Thread(target=visit)
        busy.start()
        try:
            sizes: list[int] = []
            for number in range(3):
                before = visitors
                while visitors < before + 8:
                    assert busy.is_alive()
                run = subprocess.run(
                    [*HULLO, "backup", f"{number}.bak"], cwd=terminal.folder, capture_output=True, timeout=PATIENCE
                )
                assert run.returncode == 0, run.stderr
                sizes.append(people_in(terminal.folder / f"{number}.bak"))
                assert before + 8 <= sizes[-1] <= visitors + 1
        finally:
            stop.set()
            busy.join()
        assert sizes == sorted(set(sizes))
        assert server.stop() == 0

    def test_restore_is_refused_while_a_server_runs(self, start: Start, terminal: Terminal):
        terminal.json("app", "create", "Before")
        terminal.json("backup", "hullo.bak")
        terminal.json("app", "create", "After")
        server = start().ready()  # it has answered nothing but its health
        for _ in range(2):
            run = subprocess.run(
                [*HULLO, "restore", "hullo.bak", "--yes"], cwd=terminal.folder, capture_output=True, text=True
            )
            assert (run.returncode, run.stdout) == (1, "")
            assert "another process has hullo.db open; stop every server that uses it" in run.stderr
            assert server.call("GET", "/hullo/readyz").status == 200
        assert server.stop() == 0
        assert app_names(terminal) == ["After", "Before"]
        terminal.json("restore", "hullo.bak", "--yes")
        assert app_names(terminal) == ["Before"]
        assert start().ready().call("GET", "/hullo/readyz").status == 200

    def test_restore_after_kill_ignores_leftover_wal(self, start: Start, terminal: Terminal):
        terminal.json("app", "create", "Before")
        terminal.json("backup", "hullo.bak")
        server = start().ready()
        terminal.json("app", "create", "After")
        server.process.kill()
        server.wait()
        assert (terminal.folder / "hullo.db-wal").stat().st_size > 0
        terminal.json("restore", "hullo.bak", "--yes")
        assert app_names(terminal) == ["Before"]


def people_in(path: Path) -> int:
    """How many contacts. Each has one email, and had one when it was made."""
    with closing(connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        ((contacts,),) = database.execute("SELECT COUNT(*) FROM contact")
        ((identifiers,),) = database.execute("SELECT COUNT(*) FROM identifier")
        assert contacts == identifiers
        return int(contacts)


class TestWhatIsReplaced:
    def test_backup_keeps_existing_file_unless_forced(self, terminal: Terminal):
        terminal.json("app", "create", "Shop")
        (terminal.folder / "hullo.bak").write_text("precious")
        assert "--force" in terminal.refusal("backup", "hullo.bak")
        assert (terminal.folder / "hullo.bak").read_text() == "precious"
        terminal.json("backup", "hullo.bak", "--force")
        assert stat.S_IMODE((terminal.folder / "hullo.bak").stat().st_mode) == 0o600

    def test_restore_without_terminal_keeps_the_database(self, terminal: Terminal):
        terminal.json("app", "create", "Before")
        terminal.json("backup", "hullo.bak")
        terminal.json("app", "create", "After")
        told = terminal.misuse("restore", "hullo.bak")
        assert "sqlite:///hullo.db is not empty; use --yes to replace its content" in told
        assert app_names(terminal) == ["After", "Before"]

    @pytest.mark.parametrize(("answer", "status", "names"), [("y", 0, ["Before"]), ("n", 1, ["After", "Before"])])
    def test_restore_at_a_terminal_asks_first(self, terminal: Terminal, answer: str, status: int, names: list[str]):
        terminal.json("app", "create", "Before")
        terminal.json("backup", "hullo.bak")
        terminal.json("app", "create", "After")
        ended, told = at_a_terminal(terminal.folder, "restore", "hullo.bak", answers=f"{answer}\n")
        assert ended == status
        assert "Replace the whole content of sqlite:///hullo.db with hullo.bak? [y/N]:" in told
        assert ("100%" in told) is (status == 0)
        assert app_names(terminal) == names

    def test_restore_refuses_a_non_database_file(self, terminal: Terminal):
        terminal.json("app", "create", "Shop")
        (terminal.folder / "note").write_text("a note " * 1000)
        assert "note is not an SQLite database" in terminal.refusal("restore", "note", "--yes")
        assert app_names(terminal) == ["Shop"]


def at_a_terminal(folder: Path, *words: str, answers: str = "") -> tuple[int, str]:
    """The exit status of a command, and what its terminal has shown."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*HULLO, *words], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, answers.encode())
        shown = b""
        try:
            while some := os.read(ours, 1024):
                shown += some
        except OSError:
            pass  # the other side has closed it
        os.close(ours)
        return process.wait(PATIENCE), shown.decode()


def test_terminal_gets_a_progress_bar(terminal: Terminal):
    terminal.json("app", "create", "Shop")
    ended, told = at_a_terminal(terminal.folder, "backup", "hullo.bak")
    assert ended == 0
    for doing in ("Copying", "Checking"):
        assert f"{doing}  [" in told
    assert told.count("100%") >= 2


class TestWithoutBackups:
    @pytest.mark.parametrize("words", [["backup", "x"], ["restore", "note", "--yes"]])
    def test_unsupported_store_is_refused_without_its_password(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: list[str]
    ):
        (terminal.folder / "note").touch()
        assert "the store of memory: has no backups; use" in terminal.misuse(*words, "--db", "memory:")
        offer_a_store(terminal.folder, monkeypatch)
        told = terminal.misuse(*words, "--db", "odd://me:s3cret@host/db")
        assert "odd://me:***@host/db has no backups" in told
        assert "s3cret" not in told


@pytest.mark.parametrize("words", [["backup"], ["restore"], ["restore", "nowhere"], ["backup", "."]])
def test_wrong_usage_exits_with_status_2(terminal: Terminal, words: list[str]):
    terminal.misuse(*words)
