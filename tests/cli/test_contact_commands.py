"""`hullo contacts show`."""

from __future__ import annotations

from cli.terminal import Terminal
from hullo.app import Hullo


def identified(terminal: Terminal, **body: object) -> tuple[str, str]:
    """The ids of an app, in a workspace that is not the usual one, and of a contact in it."""
    app = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    terminal.json("app", "create", "Elsewhere")
    with Hullo("sqlite:///hullo.db") as hullo:  # as another process would
        outcome = hullo.identify({"app_key": app["app_key"], **body}).answer
    return app["app_id"], outcome.contact_id


def test_a_contact_of_any_workspace_is_shown_with_the_provenance_of_each_value(terminal: Terminal):
    app_id, contact_id = identified(
        terminal, email="jane@example.com", name="Jane Doe", custom_data={"plan": "pro", "vip": True}
    )
    document = terminal.json("contacts", "show", contact_id)
    assert document["id"] == contact_id
    assert (document["email"], document["name"], document["external_id"]) == ("jane@example.com", "Jane Doe", None)
    assert document["custom_data"] == {app_id: {"plan": "pro", "vip": True}}
    origin = document["provenance"]["email"]
    assert origin["standing"] in {"claimed", "owned"}
    assert origin["by"].startswith("visitor:vis_")

    text = terminal.text("contacts", "show", contact_id)
    assert text.startswith("Jane Doe\n")
    assert f"Custom data of Shop ({app_id})" in text
    [plan] = [line for line in text.splitlines() if line.startswith("plan")]
    assert plan.split()[:2] == ["plan", "pro"]
    assert "visitor:vis_" in plan
    assert "true" in next(line for line in text.splitlines() if line.startswith("vip"))


def test_custom_data_that_was_cleared_is_not_shown(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    said = {"app_key": app["app_key"], "external_id": "u1"}
    with Hullo("sqlite:///hullo.db") as hullo:
        first = hullo.identify({**said, "custom_data": {"plan": "pro"}}).answer
        hullo.identify({**said, "custom_data": {"plan": None}}, session_token=first.session_token)
    assert "Custom data" not in terminal.text("contacts", "show", first.contact_id)


def test_a_visitors_words_do_not_drive_the_agents_terminal(terminal: Terminal):
    _, contact_id = identified(terminal, external_id="u1", custom_data={"note": "red\n\u009b31malert"})
    text = terminal.text("contacts", "show", contact_id)
    assert "\u009b" not in text
    assert text.startswith(contact_id)


def test_a_contact_that_nobody_has_is_refused(terminal: Terminal):
    assert "no workspace has a contact with this id" in terminal.refusal("contacts", "show", "con_nobody")
