"""`hullo audit`, `hullo retention`, and what `hullo app set` says of privacy."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.model.instant import DAY
from hullo.model.request_context import system_clock
from hullo.operations.sessions.open_session import OpenSession


def grow_old(app_key: str, days: int = 31, visitors: int = 2) -> None:
    """Visitors who came so long ago, and never said who they were."""
    with Hullo("sqlite:///hullo.db", clock=lambda: system_clock() - days * DAY) as hullo:
        for _ in range(visitors):
            work = OpenSession(
                verb="join", app_key=app_key, session_digest=None, origin=None, context=hullo.new_context()
            )
            hullo.executor.run(work)


@pytest.mark.rule("P3")
def test_retention_periods_are_set_and_shown(terminal: Terminal) -> None:
    key = terminal.json("app", "create", "Shop")["app_key"]
    kept = terminal.json("app", "show", key)
    days = ["keep_anonymous_days", "keep_conversation_days", "keep_decision_days", "keep_timeline_days"]
    days.append("keep_contact_days")
    assert [kept[each] for each in ("consent", *days)] == ["none", 30, None, 90, None, 365]
    changed = terminal.json(
        "app", "set", key, "consent=required", "keep_conversation_days=365", "keep_anonymous_days=none"
    )
    assert [changed[each] for each in ("consent", *days)] == ["required", None, 365, 90, None, 365]
    text = terminal.text("app", "show", key)
    assert "365" in text
    assert "for ever" in text
    assert "required" in text


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("consent=yes", "required or none"),
        ("keep_anonymous_days=0", "from 1 to 36500, or none"),
        ("keep_decision_days=-1", "from 1 to 36500, or none"),
        ("keep_timeline_days=ten", "from 1 to 36500, or none"),
        ("keep_conversation_days=٣", "from 1 to 36500, or none"),
        ("keep_conversation_days=99999999999", "from 1 to 36500, or none"),
        ("keep_days=3", "keep_anonymous_days, keep_conversation_days"),
    ],
)
def test_wrong_retention_setting_is_refused(terminal: Terminal, setting: str, told: str) -> None:
    key = terminal.json("app", "create", "Shop")["app_key"]
    assert told in terminal.refusal("app", "set", key, setting)


@pytest.mark.rule("P3")
def test_retention_run_reports_and_removes_old_records(terminal: Terminal) -> None:
    key = terminal.json("app", "create", "Shop")["app_key"]
    grow_old(key)
    foreseen = terminal.json("retention", "run", "--dry-run")
    assert (foreseen["dry_run"], foreseen["total"]) == (True, 4)
    assert "4 records are too old" in terminal.text("retention", "run", "--dry-run")
    done = terminal.json("retention", "run")
    assert done["apps"] == [
        {
            "app_id": key,
            "sessions": 2,
            "visitors": 2,
            "conversations": 0,
            "messages": 0,
            "decisions": 0,
            "timeline": 0,
        }
    ]
    assert (done["total"], done["contacts"], done["deliveries"]) == (4, 0, 0)
    assert "Deleted 0 records." in terminal.text("retention", "run")
    [entry] = [each for each in terminal.json("audit", "list")["items"] if each["action"] == "retention.run"]
    assert (entry["by"], entry["data"]) == ("command line", {"removed": {key: {"sessions": 2, "visitors": 2}}})


@pytest.mark.rule("P2")
def test_audit_log_is_listed_and_verified(terminal: Terminal) -> None:
    terminal.text("migrate")
    assert "There is no workspace yet" in terminal.text("audit", "verify")
    assert "there is no workspace yet" in terminal.refusal("audit", "list")
    made = terminal.json("app", "create", "Shop")
    terminal.json("api-key", "create")
    items = terminal.json("audit", "list")["items"]
    assert [(each["number"], each["by"], each["action"]) for each in items] == [
        (2, "command line", "api_key.created"),
        (1, "command line", "app.created"),
    ]
    assert items[1]["subject"] == made["app_key"]
    text = terminal.text("audit", "list", "--limit", "1")
    assert "scopes=read+write+erase" in text
    assert "app.created" not in text
    told = terminal.json("audit", "verify")
    [walked] = told["workspaces"]
    assert (told["intact"], walked["entries"], walked["flaws"], walked["head_found"]) == (True, 2, [], None)
    assert walked["head"] == {"number": 2, "digest": items[0]["digest"]}
    text = terminal.text("audit", "verify")
    assert "The audit log is unchanged." in text
    assert items[0]["digest"] in text


@pytest.mark.rule("P2")
def test_earlier_audit_head_must_be_logged(terminal: Terminal) -> None:
    terminal.json("app", "create", "Shop")
    head = terminal.json("audit", "verify")["workspaces"][0]["head"]["digest"]
    terminal.json("api-key", "create")
    assert terminal.json("audit", "verify", "--head", head)["workspaces"][0]["head_found"] is True
    assert "is in the log" in terminal.text("audit", "verify", "--head", head)
    lost = terminal.type("audit", "verify", "--head", "0" * 64)
    assert (lost.exit_code, "is NOT in the log" in lost.stdout) == (1, True)


@pytest.mark.rule("P2")
def test_audit_needs_a_workspace_when_ambiguous(terminal: Terminal) -> None:
    terminal.json("app", "create", "Shop")
    other = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    assert "--workspace" in terminal.refusal("audit", "list")
    assert "--workspace" in terminal.refusal("audit", "verify", "--head", "0" * 64)
    for named in ("Acme", other["workspace_id"]):
        assert terminal.json("audit", "list", "--workspace", named)["items"][0]["subject"] == other["app_key"]
        assert len(terminal.json("audit", "verify", "--workspace", named)["workspaces"]) == 1
    assert len(terminal.json("audit", "verify")["workspaces"]) == 2
    assert "no workspace has the name or id 'Nobody'" in terminal.refusal("audit", "verify", "--workspace", "Nobody")


def columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(audit)")]


def other_than(value: Any) -> Any:
    """A value that could stand there as well."""
    if isinstance(value, int):
        return value + 1000
    text = value.decode() if isinstance(value, bytes) else str(value)
    return text.replace("{", '{"forged":1,' if len(text) > 2 else '{"forged":1') if text.startswith("{") else f"x{text}"


@pytest.mark.rule("P2")
def test_change_to_any_audit_column_is_detected(terminal: Terminal) -> None:
    """The rows are changed in the file, behind everybody's back, and back again."""
    key = terminal.json("app", "create", "Shop")["app_key"]
    terminal.text("app", "set", key, "consent=required")
    terminal.json("api-key", "create")
    head = terminal.json("audit", "verify")["workspaces"][0]["head"]["digest"]
    connection = sqlite3.connect("hullo.db", isolation_level=None)
    names = columns(connection)
    numbers = [row[0] for row in connection.execute("SELECT number FROM audit ORDER BY number")]
    assert len(numbers) == 3
    for number in numbers:
        for name in names:
            [before] = connection.execute(f"SELECT {name} FROM audit WHERE number = ?", (number,)).fetchone()
            after = other_than(before)
            where = after if name == "number" else number
            connection.execute(f"UPDATE audit SET {name} = ? WHERE number = ?", (after, number))
            result = terminal.type("audit", "verify", "--workspace", "default", "--head", head)
            assert (result.exit_code, "CHANGED" in result.stdout) == (1, True), (number, name, after)
            connection.execute(f"UPDATE audit SET {name} = ? WHERE number = ?", (before, where))
    assert terminal.json("audit", "verify")["intact"]
    connection.execute("DELETE FROM audit WHERE number = 2")
    assert "CHANGED" in terminal.type("audit", "verify").stdout
    connection.close()
