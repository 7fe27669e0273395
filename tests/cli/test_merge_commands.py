"""`hullo contacts merge` and `erase`, and `hullo merges undo`."""

from __future__ import annotations

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo


@pytest.fixture
def pair(terminal: Terminal) -> tuple[str, str]:
    """Two contacts that may be one."""
    app = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    terminal.json("app", "create", "Elsewhere")
    with Hullo("sqlite:///hullo.db") as hullo:
        jane = hullo.identify({"app_key": app["app_key"], "external_id": "jane", "name": "Jane"}).result.contact_id
        body = {"app_key": app["app_key"], "external_id": "j.doe", "email": "j@x.test", "name": "J. Doe"}
        return jane, hullo.identify(body).result.contact_id


def test_contacts_merge_and_undo(terminal: Terminal, pair: tuple[str, str]) -> None:
    jane, other = pair
    preview = terminal.text("contacts", "merge", jane, other, "--dry-run")
    assert "Nothing was written: this was a dry run." in preview
    assert ["name", "Jane", "J.", "Doe"] in [line.split() for line in preview.splitlines()]
    assert terminal.json("contacts", "show", other)["id"] == other

    merged = terminal.json("contacts", "merge", jane, other, "--yes")
    assert (merged["survivor_id"], merged["absorbed_id"], merged["dry_run"]) == (jane, other, False)
    shown = terminal.json("contacts", "show", other)
    assert (shown["id"], shown["merged_into"], shown["email"]) == (jane, jane, "j@x.test")
    assert shown["timeline"][0]["by"] == "command line"
    assert "somebody at the command line merged" in " ".join(terminal.text("contacts", "why", jane).split())

    undo = ("merges", "undo", merged["merge_id"])
    assert "Nothing was written: this was a dry run." in terminal.text(*undo, "--dry-run")
    undone = terminal.json(*undo)
    assert (undone["survivor"]["id"], undone["restored"]["id"]) == (jane, other)
    assert "undone already" in terminal.refusal(*undo)
    assert terminal.json("contacts", "show", other)["email"] == "j@x.test"


def test_undo_after_later_changes_splits_contacts(terminal: Terminal, pair: tuple[str, str]) -> None:
    jane, other = pair
    text = terminal.text("contacts", "merge", jane, other, "--yes")
    merge_id = text.rpartition("hullo merges undo ")[2].strip()
    with Hullo("sqlite:///hullo.db") as hullo:
        app = next(each for each in hullo.store.list_apps() if each.name == "Shop")
        hashed = {"external_id": "jane", "user_hash": hullo.user_hash(app.app_key, "jane"), "email": "new@x.test"}
        hullo.identify({"app_key": app.app_key, **hashed})
    assert "Undone: they are two contacts again." in terminal.text("merges", "undo", merge_id)


def test_merge_asks_for_confirmation(
    terminal: Terminal, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    jane, other = pair
    assert "--yes" in terminal.type("contacts", "merge", jane, other).stderr
    assert terminal.type("contacts", "merge", jane, other).exit_code == 2
    monkeypatch.setattr("hullo.cli.people._is_interactive", lambda: True)
    refused = terminal.type("contacts", "merge", jane, other, stdin="n\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Merge J. Doe into Jane?" in refused.stderr
    assert "people" in refused.stderr
    assert terminal.json("contacts", "show", other)["id"] == other
    assert terminal.type("contacts", "merge", jane, other, stdin="y\n").exit_code == 0
    assert terminal.json("contacts", "show", other)["id"] == jane


def test_impossible_merge_is_refused(terminal: Terminal, pair: tuple[str, str]) -> None:
    jane, _ = pair
    with Hullo("sqlite:///hullo.db") as hullo:
        app = next(each for each in hullo.store.list_apps() if each.name == "Elsewhere")
        foreign = hullo.identify({"app_key": app.app_key, "external_id": "x"}).result.contact_id
    assert "different workspaces" in terminal.refusal("contacts", "merge", jane, foreign, "--yes")
    assert "one contact already" in terminal.refusal("contacts", "merge", jane, jane, "--yes")
    assert "no workspace has a contact" in terminal.refusal("contacts", "merge", jane, "con_x", "--yes")
    assert "no workspace has a merge" in terminal.refusal("merges", "undo", "mrg_x")


def test_contact_is_erased(terminal: Terminal, pair: tuple[str, str]) -> None:
    jane, other = pair
    assert "--yes" in terminal.misuse("contacts", "erase", jane)
    assert terminal.json("contacts", "erase", jane, "--yes") == {"id": jane, "erased": True}
    assert "no contact has this id" in terminal.refusal("contacts", "show", jane)
    assert f"Erased {other}." in terminal.text("contacts", "erase", other, "--conversations", "anonymise", "--yes")
    assert "keep" in terminal.misuse("contacts", "erase", other, "--conversations", "keep")
