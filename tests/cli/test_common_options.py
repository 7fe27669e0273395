"""`--db`, `--config`, `--json`, exit statuses and the environment: the same for every command."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing

import pytest
from click.testing import CliRunner

import hullo.model.identifier
from behind import once_asked
from cli.terminal import HULLO, Terminal
from hullo.cli import main
from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, insertion
from hullo.testing.builders import a_contact

EVERY_COMMAND = [
    "serve",
    "app create",
    "app list",
    "app show",
    "app set",
    "identity-key add",
    "identity-key list",
    "identity-key retire",
    "api-key create",
    "api-key list",
    "api-key revoke",
    "hash",
    "contacts show",
    "migrate",
    "doctor",
    "backup",
    "restore",
    "store copy",
    "plugins",
]


@pytest.mark.parametrize("command", EVERY_COMMAND)
def test_every_command_has_common_options_and_help(command: str):
    result = CliRunner().invoke(main, [*command.split(), "--help"])
    assert result.exit_code == 0
    for option in ("--db URL", "--config FILE", "--json"):
        assert option in result.stdout
    assert len(result.stdout.splitlines()[2].strip()) > 10


def names(document: dict) -> list[str]:
    return [item["name"] for item in document["items"]]


def test_option_database_beats_environment_then_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    terminal.json("app", "create", "by default")
    terminal.json("app", "create", "by file", "--db", "sqlite:///file.db")
    terminal.json("app", "create", "by environment", "--db", "sqlite:///environment.db")
    terminal.json("app", "create", "by option", "--db", "sqlite:///option.db")
    assert names(terminal.json("app", "list")) == ["by default"]
    assert (terminal.folder / "hullo.db").exists()

    (terminal.folder / "hullo.toml").write_text('store = "sqlite:///file.db"')
    assert names(terminal.json("app", "list")) == ["by file"]

    monkeypatch.setenv("HULLO_DB", "sqlite:///environment.db")
    assert names(terminal.json("app", "list")) == ["by environment"]
    assert names(terminal.json("app", "list", "--db", "sqlite:///option.db")) == ["by option"]


def test_database_url_is_read_from_input(terminal: Terminal):
    assert terminal.type("migrate", "--db", "-", stdin="sqlite:///piped.db\n").exit_code == 0
    assert (terminal.folder / "piped.db").exists()
    refused = terminal.type("migrate", "--db", "-", stdin="")
    assert (refused.exit_code, "standard input holds no URL" in refused.stderr) == (2, True)


def test_option_settings_beat_those_of_environment(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    (terminal.folder / "one.toml").write_text('store = "sqlite:///one.db"')
    (terminal.folder / "two.toml").write_text('store = "sqlite:///two.db"')
    terminal.json("app", "create", "one", "--db", "sqlite:///one.db")
    terminal.json("app", "create", "two", "--db", "sqlite:///two.db")
    monkeypatch.setenv("HULLO_CONFIG", "one.toml")
    assert names(terminal.json("app", "list")) == ["one"]
    assert names(terminal.json("app", "list", "--config", "two.toml")) == ["two"]


def test_options_may_precede_command_and_last_wins(terminal: Terminal):
    terminal.json("--db", "sqlite:///a.db", "app", "create", "A")
    terminal.text("migrate", "--db", "sqlite:///b.db")
    assert names(terminal.json("app", "--db", "sqlite:///a.db", "list")) == ["A"]
    assert json.loads(terminal.text("--json", "app", "list", "--db", "sqlite:///b.db")) == {"items": []}
    assert names(terminal.json("--db", "sqlite:///b.db", "app", "list", "--db", "sqlite:///a.db")) == ["A"]


def test_wrong_setting_prints_one_sentence_status_1(terminal: Terminal):
    assert "no settings file nope.toml" in terminal.refusal("app", "list", "--config", "nope.toml")
    assert "no store for" in terminal.refusal("app", "list", "--db", "carrier-pigeon://loft")
    (terminal.folder / "hullo.toml").write_text('stoer = "memory:"')
    assert "did you mean store?" in terminal.refusal("migrate")


def test_help_works_with_wrong_settings(terminal: Terminal):
    (terminal.folder / "hullo.toml").write_text("what?")
    result = terminal.type("--help")
    assert result.exit_code == 0
    assert "serve" in result.stdout
    assert "Warning: cannot read hullo.toml" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["app", "nonsense"],
        ["app", "create"],
        ["app", "list", "--nonsense"],
        ["hash", "app_1"],
        ["serve", "--port", "99999"],
        ["serve", "--workers", "0"],
        ["app", "create", "Shop", "--verification", "maybe"],
        ["api-key", "create", "--scopes", "read,fly"],
        ["app", "create", "not \udcff text"],
    ],
)
def test_wrong_usage_exits_with_status_2(terminal: Terminal, words: list[str]):
    terminal.misuse(*words)


def test_process_keeps_exit_status_and_streams_apart(terminal: Terminal):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*HULLO, *words], cwd=terminal.folder, capture_output=True, text=True, check=False)

    made = run("app", "create", "Ünïcode 店", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    assert json.loads(made.stdout)["name"] == "Ünïcode 店"

    missing = run("app", "show", "app_nobody", "--json")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "Error: no app has this app_key; 'hullo app list' shows those that exist\n"

    wrong = run("app", "show", "--json")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_version_is_printed(terminal: Terminal):
    assert terminal.text("--version").startswith("hullo 0.")


def test_migrate_makes_database_and_is_repeatable(terminal: Terminal):
    assert terminal.json("migrate") == {"current": True}
    assert (terminal.folder / "hullo.db").exists()
    assert "up to date" in terminal.text("migrate")


@pytest.mark.rule("M2")
def test_migrate_names_contacts_with_one_email(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    terminal.json("migrate")
    with monkeypatch.context() as before, closing(open_store("sqlite:///hullo.db")) as store:
        before.setattr(hullo.model.identifier, "email_key", str.strip)  # as a former version compared them
        store.open()
        for id, email in (("con_1", "ann@example.com"), ("con_2", "a\u00adnn@example.com")):
            store.apply([ChangeSet(contacts=(insertion(a_contact(id, email=email)),))])
    once_asked("sqlite:///hullo.db", "DELETE FROM hullo_migration WHERE name = '0007_email_keys'")
    collisions = {"email_collisions": [{"contact_id": "con_2", "other_id": "con_1"}]}
    predicted = terminal.json("migrate", "--dry-run")
    assert (predicted["current"], {"email_collisions": predicted["email_collisions"]}) == (False, collisions)
    assert "-- con_2 has the same email as con_1.\n" in terminal.text("migrate", "--dry-run")
    assert terminal.json("migrate") == {"current": True, **collisions}
    assert terminal.json("migrate") == {"current": True}


def test_migrate_dry_run_prints_sql_writes_nothing(terminal: Terminal):
    shown = terminal.text("migrate", "--dry-run")
    assert 'CREATE TABLE "contact"' in shown
    assert "INSERT INTO hullo_migration (name, applied) VALUES ('0001_first', CURRENT_TIMESTAMP);" in shown
    assert list(terminal.folder.iterdir()) == []
    assert terminal.json("migrate") == {"current": True}
    assert terminal.json("migrate", "--dry-run") == {"current": True, "pending": []}
    assert "Nothing to do" in terminal.text("migrate", "--dry-run")


READING = [
    ("app", "list"),
    ("app", "show", "app_1"),
    ("identity-key", "list"),
    ("api-key", "list"),
    ("contacts", "show", "con_1"),
    ("hash", "app_1", "user_1"),
    ("token", "app_1", "--external-id", "user_1"),
    ("audit", "list"),
    ("audit", "verify"),
    ("conflicts", "list"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_command_makes_no_database(terminal: Terminal, words: tuple[str, ...]):
    told = terminal.refusal(*words)
    assert "there is no database" in told
    assert "hullo migrate" in told
    assert not list(terminal.folder.glob("*.db*"))


def test_reading_command_leaves_old_schema(terminal: Terminal):
    terminal.text("migrate")
    with closing(sqlite3.connect("hullo.db")) as connection, connection:
        connection.execute("DELETE FROM hullo_migration WHERE name = (SELECT MAX(name) FROM hullo_migration)")
    assert "run 'hullo migrate'" in terminal.refusal("app", "list")
    with closing(sqlite3.connect("hullo.db")) as connection:
        left = connection.execute("SELECT COUNT(*) FROM hullo_migration").fetchone()
    assert "run 'hullo migrate'" in terminal.refusal("app", "list")
    with closing(sqlite3.connect("hullo.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM hullo_migration").fetchone() == left
