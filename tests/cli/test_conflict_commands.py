"""`hullo conflicts list` and `resolve`."""

from __future__ import annotations

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo


@pytest.mark.rule("C9")
def test_conflicts_are_listed_and_resolved(terminal: Terminal) -> None:
    app = terminal.json("app", "create", "Shop")["app_key"]
    assert terminal.json("app", "set", app, "email_match=proven")["email_match"] == "proven"
    assert "No open conflicts." in terminal.text("conflicts", "list")
    with Hullo("sqlite:///hullo.db") as hullo:
        for name in ("first", "second"):
            signed = {"external_id": name, "user_hash": hullo.user_hash(app, name), "email": "one@x.test"}
            hullo.identify({"app_key": app, **signed})
    (found,) = terminal.json("conflicts", "list", "--rule", "C4")["items"]
    assert found["id"] in terminal.text("conflicts", "list")
    assert terminal.json("conflicts", "list", "--rule", "C3")["items"] == []
    assert "say --merge or --keep" in terminal.type("conflicts", "resolve").stderr
    assert "Would resolve 1 conflicts." in terminal.text("conflicts", "resolve", "--merge", "--dry-run")
    assert "--yes" in terminal.type("conflicts", "resolve", "--keep").stderr
    assert terminal.json("conflicts", "resolve", "--rule", "C4", "--keep", "--yes") == {"resolved": 1, "dry_run": False}
    assert terminal.json("conflicts", "list")["items"] == []
    assert "email_match is one of joined, trusted, proven" in terminal.refusal("app", "set", app, "email_match=yes")
