"""`hullo doctor`."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from starlette.testclient import TestClient

from cli.odd_store import offer_a_store
from cli.serving import Server
from cli.terminal import Terminal
from hullo import Hullo, IdentityMiddleware
from hullo.background.refused_origins import MAX_ORIGINS
from hullo.hooks.entry_points import BUILT_IN
from hullo_stores.peewee.engines.postgresql import durability_advice
from hullo_stores.peewee.maintenance.server import clock_finding
from sqlite_file import write_lock


def findings(terminal: Terminal, *words: str, status: int = 0) -> dict[str, Any]:
    """By name."""
    result = terminal.type("doctor", "--json", *words)
    assert result.exit_code == status, result.output
    document = json.loads(result.stdout)
    assert document["fine"] is (status == 0)
    return {each["name"]: each for each in document["findings"]}


def test_new_database_passes_with_status_0(terminal: Terminal):
    terminal.json("migrate")
    found = findings(terminal)
    assert all(each["fine"] and each["advice"] is None for each in found.values())
    values = {name: each["value"] for name, each in found.items()}
    assert values["hullo"].startswith("0.")
    assert values["plugins"] == f"{len(BUILT_IN)} in use"
    assert values["store"] == "sqlite:///hullo.db"
    assert values["engine"] == f"SQLite {sqlite3.sqlite_version}"
    assert (values["journal"], values["synchronous"], values["schema"]) == ("wal", "full", "current")
    assert values["clock"] == "this machine's own"
    file = terminal.folder / "hullo.db"
    assert values["file"] == f"{file}, {file.stat().st_size / 2**20:.1f} MiB"
    assert values["permissions"] == "rw-------"


def test_text_output_has_one_line_a_finding(terminal: Terminal):
    terminal.json("migrate")
    head, *lines = terminal.text("doctor").splitlines()
    assert head.split() == ["CHECK", "FOUND", "RESULT"]
    assert len(lines) == len(findings(terminal))
    place = head.index("RESULT")
    assert {line[place:] for line in lines} == {"ok"}


def test_bus_is_shown_without_its_password(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    terminal.json("migrate")
    assert findings(terminal)["bus"]["value"].startswith("none between processes")
    monkeypatch.setenv("HULLO_BUS", "redis://:s3cret@cache:6379/3")
    assert findings(terminal)["bus"]["value"] == "redis://:***@cache:6379/3"


def test_url_options_show_in_findings(terminal: Terminal):
    terminal.json("migrate")
    found = findings(terminal, "--db", "sqlite:///hullo.db?synchronous=normal")
    assert found["synchronous"]["value"] == "normal: a power cut may lose the last moments"


def test_doctor_runs_beside_a_working_server(terminal: Terminal, start: Callable[..., Server]):
    server = start().ready()
    findings(terminal)
    with write_lock(terminal.folder / "hullo.db"):
        findings(terminal)
    assert server.call("GET", "/hullo/readyz").status == 200


class TestWhatIsWrong:
    def test_database_readable_by_others_is_reported(self, terminal: Terminal):
        terminal.json("migrate")
        (terminal.folder / "hullo.db").chmod(0o644)
        found = findings(terminal, status=1)["permissions"]
        assert found["value"] == "rw-r--r--"
        assert found["advice"] == f"others may use it; chmod o= {terminal.folder}/hullo.db"
        (terminal.folder / "hullo.db").chmod(0o640)
        findings(terminal)

    def test_missing_database_is_not_made(self, terminal: Terminal):
        found = findings(terminal, status=1)["connection"]
        assert found["advice"].startswith(f"there is no database {terminal.folder}/hullo.db; correct the store's URL")
        assert list(terminal.folder.iterdir()) == []

    def test_file_that_is_no_database_is_reported(self, terminal: Terminal):
        (terminal.folder / "hullo.db").write_text("a note " * 1000)
        assert "is not an SQLite database" in findings(terminal, status=1)["connection"]["advice"]

    @pytest.mark.parametrize(
        ("statement", "advice"),
        [
            ("DELETE FROM hullo_migration", "run 'hullo migrate'"),
            ("INSERT INTO hullo_migration (name, applied) VALUES ('9999_future', '2040-01-01')", "newer hullo"),
            ("INSERT INTO hullo_migration (name, applied) VALUES ('unfinished copy of x', '2040-01-01')", "unfinished"),
        ],
    )
    def test_schema_of_another_version_is_left_unchanged(self, terminal: Terminal, statement: str, advice: str):
        terminal.json("migrate")
        path = terminal.folder / "hullo.db"
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(statement)
        before = path.read_bytes()
        assert advice in findings(terminal, status=1)["schema"]["advice"]
        assert path.read_bytes() == before

    def test_finding_prints_its_remedy(self, terminal: Terminal):
        terminal.json("migrate")
        (terminal.folder / "hullo.db").chmod(0o666)
        result = terminal.type("doctor")
        assert result.exit_code == 1
        [line] = [line for line in result.stdout.splitlines() if line.startswith("permissions")]
        assert line.split(maxsplit=2)[2].startswith("others may use it; chmod o= ")

    def test_wrong_settings_are_one_sentence(self, terminal: Terminal):
        (terminal.folder / "hullo.toml").write_text('plugins = ["nobody-offers-this"]')
        assert "no installed package offers the plugin" in terminal.refusal("doctor")


def test_readable_settings_file_with_password_is_reported(terminal: Terminal):
    settings = terminal.folder / "hullo.toml"
    settings.write_text('store = "memory:"\nredis = "redis://:pass@localhost/0"\n')
    settings.chmod(0o644)
    rows = {row["name"]: row for row in json.loads(terminal.type("doctor", "--json").stdout)["findings"]}
    assert rows["settings file"]["advice"] == "chmod 600 hullo.toml"
    settings.chmod(0o600)
    rows = {row["name"]: row for row in json.loads(terminal.type("doctor", "--json").stdout)["findings"]}
    assert rows["settings file"]["fine"]


def test_store_without_diagnosis_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    assert findings(terminal, "--db", "memory:")["diagnosis"]["value"] == "this store has none"
    offer_a_store(terminal.folder, monkeypatch)
    for words in ([], ["--json"]):
        result = terminal.type("doctor", "--db", "odd://me:s3cret@host/db?token=s3cret", *words)
        assert "odd://me:***@host/db?token=***" in result.stdout
        assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("commit", "fsync", "names", "standbys", "remedy"),
    [
        ("on", "on", "", 0, None),
        ("local", "on", "", 0, None),
        ("on", "on", "*", 2, None),
        ("remote_apply", "on", "*", 2, None),
        ("on", "on", None, 0, None),
        ("off", "on", "*", 2, "set synchronous_commit to on"),
        ("local", "on", "*", 2, "set synchronous_commit to on"),
        ("remote_write", "on", "*", 0, "set synchronous_commit to on"),
        ("on", "on", "", 1, "synchronous_standby_names"),
        ("on", "off", "*", 2, "set fsync to on"),
    ],
)
def test_commit_that_a_failover_loses_needs_action(
    commit: str, fsync: str, names: str | None, standbys: int, remedy: str | None
):
    advice = durability_advice(commit, fsync, names, standbys)
    assert advice is None if remedy is None else remedy in str(advice)


@pytest.mark.parametrize(("ahead", "fine"), [(0.0, True), (-1.9, True), (2.1, False), (-3600.0, False)])
def test_clock_skew_needs_action(ahead: float, fine: bool):
    found = clock_finding(ahead)
    assert found.is_ok is fine
    assert found.value.startswith(f"{ahead:+.3f} s")


def refuse(key: str, *origins: str) -> None:
    """As a server does, which writes its counts when it ends."""
    with Hullo("sqlite:///hullo.db") as hullo:
        client = TestClient(IdentityMiddleware(None, hullo))
        for origin in origins:
            sent = {"origin": origin, "access-control-request-method": "POST"}
            assert client.options("/hullo/v1/join", headers=sent).status_code == 403
            answer = client.post("/hullo/v1/join", json={"app_key": key}, headers={"origin": origin})
            assert answer.status_code == 403


def test_refused_origins_are_shown_with_their_command(terminal: Terminal):
    key = terminal.json("app", "create", "Shop", "--origin", "https://shop.example.com")["app_key"]
    refuse(key, "https://new.example.com", "https://new.example.com", "null")
    command = f"hullo app set {key} origins=https://shop.example.com,https://new.example.com"
    shown, strange = terminal.json("app", "show", key)["refused_origins"]
    assert shown == {"origin": "https://new.example.com", "calls": 4, "command": command}
    assert (strange["calls"], strange["command"]) == (2, None)
    assert command in terminal.text("app", "show", key)
    found = [each for each in terminal.json("doctor")["findings"] if each["name"] == "refused origin"]
    assert found[0]["fine"]
    assert command in "".join(each["value"] for each in found)
    terminal.text(*command.split()[1:])
    assert [page["command"] for page in terminal.json("app", "show", key)["refused_origins"]] == [None]


def test_number_of_refused_origins_is_bounded(terminal: Terminal):
    key = terminal.json("app", "create", "Shop")["app_key"]
    for part in range(2):
        refuse(key, *(f"https://{part}-{number}.example.com" for number in range(MAX_ORIGINS)))
    pages = terminal.json("app", "show", key)["refused_origins"]
    assert sum(page["calls"] for page in pages) == 4 * MAX_ORIGINS
    assert len(pages) <= 2 * MAX_ORIGINS + 1
    with Hullo("sqlite:///hullo.db") as hullo:
        held = hullo.store.list_refused_origins(hullo.clock())
    for app_id in (key, ""):
        hours = Counter(refused.hour for refused in held if refused.app_id == app_id)
        assert max(hours.values()) <= MAX_ORIGINS + 1


def test_doctor_asks_the_server_at_a_url(terminal: Terminal, start: Callable[..., Server]):
    server = start().ready()
    assert findings(terminal, "--url", server.url)["server"]["value"].endswith("/hullo/readyz is ready")
    server.end()
    assert findings(terminal, "--url", server.url, status=1)["server"]["advice"].startswith("start the server")
    assert "http://" in findings(terminal, "--url", "file:///etc/passwd", status=1)["server"]["advice"]
