"""The commands over a database whose identity keys are sealed (V4)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from cli.serving import Server
from cli.terminal import Terminal
from hullo.model.user_hash import user_hash

pytestmark = pytest.mark.rule("V4")

KEY, OTHER = (secrets.token_hex(32) for _ in range(2))


@pytest.fixture
def app(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Made while there is a master key."""
    monkeypatch.setenv("HULLO_MASTER_KEY", KEY)
    made: dict[str, Any] = terminal.json("app", "create", "Shop")
    return made


def test_every_command_works_with_the_master_key(terminal: Terminal, app: dict[str, Any]):
    assert app["identity_key"].startswith("hik_")
    assert terminal.json("hash", app["app_key"], "u1")["user_hash"] == user_hash(app["identity_key"], "u1")
    added = terminal.json("identity-key", "add", app["app_key"])
    assert added["identity_key"].startswith("hik_")
    assert terminal.json("hash", app["app_key"], "u1")["user_hash"] == user_hash(added["identity_key"], "u1")
    for words in (["app", "show"], ["identity-key", "list"]):
        for more in ([], ["--json"]):
            text = terminal.text(*words, app["app_key"], *more)
            assert "sealed:" not in text
            assert "hik_" not in text
    content = b"".join(path.read_bytes() for path in terminal.folder.iterdir())
    for secret in (app["identity_key"], added["identity_key"], KEY):
        assert secret.encode() not in content


@pytest.mark.parametrize("master_key", ["", OTHER], ids=["none", "another"])
def test_missing_master_key_is_named_without_secrets(
    terminal: Terminal, app: dict[str, Any], monkeypatch: pytest.MonkeyPatch, master_key: str
):
    monkeypatch.setenv("HULLO_MASTER_KEY", master_key)
    for words in (["hash", app["app_key"], "u1"], ["identity-key", "add", app["app_key"]], ["serve", "--port", "0"]):
        assert "HULLO_MASTER_KEY" in terminal.refusal(*words)
    monkeypatch.setenv("HULLO_MASTER_KEY", f"{OTHER},{KEY}")
    terminal.json("hash", app["app_key"], "u1")
    monkeypatch.setenv("HULLO_MASTER_KEY", KEY)
    assert "under another master key" in terminal.refusal("hash", app["app_key"], "u1")


def test_secretless_commands_work_without_master_key(
    terminal: Terminal, app: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HULLO_MASTER_KEY")
    terminal.json("migrate")
    terminal.json("migrate", "--dry-run")
    assert terminal.json("doctor")["fine"]
    terminal.json("plugins")
    terminal.json("backup", "copy.backup")
    terminal.json("restore", "copy.backup", "--yes")
    terminal.json("store", "copy", "sqlite:///hullo.db", "sqlite:///other.db")
    assert "HULLO_MASTER_KEY" in terminal.refusal("hash", app["app_key"], "u1", "--db", "sqlite:///other.db")
    monkeypatch.setenv("HULLO_MASTER_KEY", KEY)
    for database in ("hullo", "other"):
        answer = terminal.json("hash", app["app_key"], "u1", "--db", f"sqlite:///{database}.db")
        assert answer["user_hash"] == user_hash(app["identity_key"], "u1")


def test_placeholder_is_refused_except_in_development(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HULLO_MASTER_KEY", "changeme")
    told = terminal.refusal("app", "create", "Shop")
    assert "openssl rand -hex 32" in told
    assert "changeme" not in told
    assert list(terminal.folder.iterdir()) == []
    assert "Usage" in terminal.text("--help")
    monkeypatch.setenv("HULLO_DEVELOPMENT", "1")
    assert terminal.json("app", "create", "Shop")["identity_key"].startswith("hik_")


def test_doctor_reports_how_keys_are_kept(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    terminal.json("migrate")

    def finding() -> tuple[str, str | None]:
        document = terminal.type("doctor", "--json")
        [found] = [each for each in json.loads(document.stdout)["findings"] if each["name"] == "master key"]
        return found["value"], found["advice"]

    assert finding() == ("none: the database holds identity keys in plain text", None)
    monkeypatch.setenv("HULLO_MASTER_KEY", KEY)
    assert finding() == ("set: the database holds identity keys encrypted", None)
    monkeypatch.setenv("HULLO_MASTER_KEY", f"{KEY}, {OTHER}")
    assert finding() == ("set, and 1 older: the database holds identity keys encrypted", None)
    monkeypatch.setenv("HULLO_MASTER_KEY", "changeme")
    value, advice = finding()
    assert value == "cannot be used"
    assert advice is not None
    assert "openssl rand -hex 32" in advice


@pytest.mark.parametrize("workers", [1, 2])
def test_server_and_workers_open_the_keys(
    terminal: Terminal, start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, workers: int
):
    app = terminal.json("app", "create", "Shop")  # in plain
    server = start("--workers", str(workers), HULLO_MASTER_KEY=KEY).ready()
    assert "sealed 1 identity keys" in server.told()
    signed = {"app_key": app["app_key"], "external_id": "u1", "user_hash": user_hash(app["identity_key"], "u1")}
    for _ in range(10):
        assert server.call("POST", "/hullo/v1/identify", signed).json["standing"] == "proven"
    assert server.stop() == 0
    assert KEY not in server.told()
    assert "HULLO_MASTER_KEY" in terminal.refusal("hash", app["app_key"], "u1")
    monkeypatch.setenv("HULLO_MASTER_KEY", KEY)
    assert terminal.json("hash", app["app_key"], "u1")["user_hash"] == signed["user_hash"]


def test_demo_is_served_with_a_master_key(terminal: Terminal, start: Callable[..., Server]):
    server = start("--demo", HULLO_MASTER_KEY=KEY).ready()
    assert server.call("GET", "/").status == 200
    assert server.stop() == 0
    assert b"hik_" not in (terminal.folder / "hullo.db").read_bytes()
