"""`hullo identity-key` and `hullo api-key`."""

from __future__ import annotations

import pytest

from cli.terminal import Terminal
from hullo.model.user_hash import user_hash


@pytest.mark.rule("V4")
def test_a_key_is_rotated_without_a_gap(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    key = app["app_key"]
    added = terminal.json("identity-key", "add", key)
    assert set(added) == {"identity_key_id", "identity_key"}
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(added["identity_key"], "u1")

    terminal.json("identity-key", "retire", key, added["identity_key_id"])
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(app["identity_key"], "u1")

    result = terminal.type("identity-key", "retire", key, app["identity_key_id"])
    assert result.exit_code == 0
    assert "No active key is left" in result.stderr
    assert "every identity key of this app is retired" in terminal.refusal("hash", key, "u1")

    again = terminal.json("identity-key", "add", key)
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(again["identity_key"], "u1")


def test_a_key_may_retire_later_and_the_time_be_moved(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    words = ["identity-key", "retire", app["app_key"], app["identity_key_id"], "--at"]
    later = terminal.json(*words, "2999-01-01T01:00:00+01:00")
    assert (later["retires_at"], later["active"]) == ("2999-01-01T00:00:00.000Z", True)
    assert "verifies until 2998-06-01 00:00:00 UTC" in terminal.text(*words, "2998-06-01T00:00:00Z")
    past = terminal.type(*words, "2020-01-01T00:00:00Z")
    assert "is retired since 2020-01-01" in past.stdout
    [listed] = terminal.json("identity-key", "list", app["app_key"])["items"]
    assert (listed["identity_key_id"], listed["active"]) == (app["identity_key_id"], False)
    assert "retired" in terminal.text("identity-key", "list", app["app_key"])


@pytest.mark.parametrize("time", ["tomorrow", "2030-01-01", "2030-01-01T00:00:00", "0001-01-01T00:00:00+23:00"])
def test_a_time_is_written_with_its_offset(terminal: Terminal, time: str):
    assert "with its offset" in terminal.misuse("identity-key", "retire", "app_1", "ik_1", "--at", time)


def test_a_key_that_does_not_exist_is_refused(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    assert "no identity key ik_1" in terminal.refusal("identity-key", "retire", app["app_key"], "ik_1")
    for command in (["add", "app_nobody"], ["list", "app_nobody"], ["retire", "app_nobody", "ik_1"]):
        assert "no app has this app_key" in terminal.refusal("identity-key", *command)
    assert "not shown again" in terminal.text("identity-key", "add", app["app_key"])


def test_an_api_key_is_made_listed_and_revoked(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    made = terminal.json("api-key", "create")
    assert made["key"].startswith("hsk_")
    assert made["workspace_id"] == app["workspace_id"]
    assert (made["app_id"], made["scopes"]) == (None, ["read", "write", "erase"])

    bound = terminal.json("api-key", "create", "--app", app["app_key"], "--scopes", "write, read")
    assert (bound["app_id"], bound["scopes"]) == (app["app_id"], ["read", "write"])

    assert [item["key_id"] for item in terminal.json("api-key", "list")["items"]] == [bound["key_id"], made["key_id"]]
    revoked = terminal.json("api-key", "revoke", made["key_id"])
    assert revoked["revoked_at"] is not None
    assert terminal.json("api-key", "revoke", made["key_id"]) == revoked
    assert "is revoked since" in terminal.text("api-key", "revoke", made["key_id"])
    assert "no API key key_1" in terminal.refusal("api-key", "revoke", "key_1")


def test_people_are_told_how_to_use_an_api_key(terminal: Terminal):
    assert "hullo api-key create" in terminal.text("api-key", "list")
    terminal.json("app", "create", "Shop")
    text = terminal.text("api-key", "create")
    assert "Authorization: Bearer hsk_" in text
    assert "all of the workspace" in text
    assert "key_" in terminal.text("api-key", "list")


def test_an_api_key_is_of_the_workspace_that_is_meant(terminal: Terminal):
    assert "create an app first" in terminal.refusal("api-key", "create")
    acme = terminal.json("app", "create", "Shop", "--workspace", "Acme")["workspace_id"]
    assert terminal.json("api-key", "create")["workspace_id"] == acme
    other = terminal.json("app", "create", "Shop", "--workspace", "Other")["workspace_id"]
    assert "say which workspace" in terminal.refusal("api-key", "create")
    assert terminal.json("api-key", "create", "--workspace", "Acme")["workspace_id"] == acme
    assert terminal.json("api-key", "create", "--workspace", other)["workspace_id"] == other
    usual = terminal.json("app", "create", "Shop")["workspace_id"]
    assert terminal.json("api-key", "create")["workspace_id"] == usual
    assert "no workspace is called" in terminal.refusal("api-key", "create", "--workspace", "Nobody")
    assert "no app has this app_key" in terminal.refusal("api-key", "create", "--app", "app_nobody")
