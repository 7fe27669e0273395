"""`hullo app`, and `hullo hash`."""

from __future__ import annotations

import re

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.instant import DAY
from hullo.model.user_hash import user_hash


def test_created_app_is_printed_with_its_key(terminal: Terminal):
    made = terminal.json(
        "app", "create", "Shop", "--origin", "https://Shop.example.com/", "--origin", "http://a.test:80"
    )
    assert made["app_id"] == made["app_key"]
    assert made["app_key"].startswith("app_")
    assert made["workspace_id"].startswith("ws_")
    assert made["identity_key_id"].startswith("ik_")
    assert made["identity_key"].startswith("hik_")
    assert made["origins"] == ["https://shop.example.com", "http://a.test"]
    assert (made["name"], made["verification"]) == ("Shop", "optional")


def test_created_app_prints_the_next_steps(terminal: Terminal):
    text = terminal.text("app", "create", "Shop")
    assert "Shop is ready." in text
    assert "hik_" in text
    assert "does not show it again" in text
    assert "curl http://127.0.0.1:8000/hullo/v1/identify" in text
    assert "hullo serve" in text
    assert "hullo hash app_" in text


def test_apps_of_one_workspace_share_it(terminal: Terminal):
    first, second, other = (terminal.json("app", "create", "Shop", *more) for more in ([], [], ["--workspace", "Acme"]))
    assert first["workspace_id"] == second["workspace_id"] != other["workspace_id"]
    assert len({first["app_key"], second["app_key"], other["app_key"]}) == 3
    assert terminal.json("app", "create", "X", "--workspace", "Acme")["workspace_id"] == other["workspace_id"]


def test_app_list_shows_apps_or_first_step(terminal: Terminal):
    terminal.text("migrate")
    assert "hullo app create NAME" in terminal.text("app", "list")
    assert terminal.json("app", "list") == {"items": []}
    made = terminal.json("app", "create", "Shop")
    [item] = terminal.json("app", "list")["items"]
    assert (item["app_key"], item["name"], item["region"]) == (made["app_key"], "Shop", None)
    assert made["app_key"] in terminal.text("app", "list")


def test_secret_is_never_shown_again(terminal: Terminal):
    made = terminal.json("app", "create", "Shop")
    added = terminal.json("identity-key", "add", made["app_key"])
    api_key = terminal.json("api-key", "create")
    secrets = [made["identity_key"], added["identity_key"], api_key["key"]]
    key = made["app_key"]
    for command in (
        ["app", "list"],
        ["app", "show", key],
        ["app", "set", key, "name=Store"],
        ["identity-key", "list", key],
        ["identity-key", "retire", key, added["identity_key_id"]],
        ["api-key", "list"],
        ["api-key", "revoke", api_key["key_id"]],
    ):
        for words in (command, [*command, "--json"]):
            result = terminal.type(*words)
            assert result.exit_code == 0
            assert not any(secret in result.output for secret in secrets), words


def test_each_app_field_can_be_set(terminal: Terminal):
    key = terminal.json("app", "create", "Shop")["app_key"]
    terminal.text(
        "app",
        "set",
        key,
        "name=New name",
        "origins=https://a.test, https://b.test",
        "verification=required",
        "region=de",
        "protected_keys=plan, billing.*",
    )
    shown = terminal.json("app", "show", key)
    assert shown["name"] == "New name"
    assert shown["origins"] == ["https://a.test", "https://b.test"]
    assert (shown["verification"], shown["region"]) == ("required", "DE")
    assert shown["protected_keys"] == ["billing.*", "plan"]
    assert re.search(r"protected keys +billing\.\*, plan$", terminal.text("app", "show", key), re.MULTILINE)
    cleared = terminal.json("app", "set", key, "origins=", "region=")
    assert (cleared["origins"], cleared["region"]) == ([], None)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("colour=red", "no field 'colour'"),
        ("origins=shop", "no origin"),
        ("verification=maybe", "optional, report, required"),
        ("region=Germany", "two-letter"),
        ("name=", "1 to 255 characters"),
    ],
)
def test_wrong_value_is_refused_and_changes_nothing(terminal: Terminal, setting: str, told: str):
    key = terminal.json("app", "create", "Shop")["app_key"]
    before = terminal.json("app", "show", key)
    assert told in terminal.refusal("app", "set", key, "name=Other", setting)
    assert terminal.json("app", "show", key) == before


def test_setting_without_a_value_is_wrong_usage(terminal: Terminal):
    assert "FIELD=VALUE" in terminal.misuse("app", "set", "app_1", "name")


def test_app_name_cannot_control_the_terminal(terminal: Terminal):
    assert "1 to 255 characters in one line" in terminal.refusal("app", "create", "\x1b[2J")
    made = terminal.text("app", "create", "right\u202eleft")
    assert "\u202e" not in made
    assert "right\\u202eleft is ready" in made


@pytest.mark.rule("V3")
def test_share_of_signed_calls_is_shown(terminal: Terminal):
    key = terminal.json("app", "create", "Shop")["app_key"]
    assert "No calls in 7 days." in terminal.text("app", "show", key)
    assert terminal.json("app", "show", key)["calls"]["signed_percent"] is None
    with Hullo("sqlite:///hullo.db") as hullo:
        today = hullo.clock() // DAY * DAY
        count = CallCount(app_id=key, day=today, signed=1218, unsigned=12, wrong=4)
        hullo.store.apply([ChangeSet(call_counts=(count,))])
    text = "98.7 % signed of 1,234 calls in 7 days (1,218 signed, 12 unsigned, 4 wrong)"
    assert text in terminal.text("app", "show", key)
    calls = {"days": 7, "signed": 1218, "unsigned": 12, "wrong": 4, "signed_percent": 98.7}
    assert terminal.json("app", "show", key)["calls"] == calls
    terminal.text("app", "set", key, "verification=off")
    assert "does not count calls while verification is off" in terminal.text("app", "show", key)


@pytest.mark.rule("V1")
def test_hash_command_matches_the_server_side_hash(terminal: Terminal):
    made = terminal.json("app", "create", "Shop")
    expected = user_hash(made["identity_key"], "ユーザー1")
    assert terminal.json("hash", made["app_key"], "ユーザー1") == {"user_hash": expected}
    assert terminal.text("hash", made["app_key"], "ユーザー1") == expected + "\n"
    assert "no app has this app_key" in terminal.refusal("hash", "app_nobody", "user_123")
