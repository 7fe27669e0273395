"""`hullo contacts show`, `why` and `export`."""

from __future__ import annotations

import json
import stat
from typing import Any

from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.model.limits import Limits
from hullo.model.request_context import RequestContext
from hullo.model.retention import Sweep
from hullo.operations.contacts.contact_events import AddContactEvent, EventReport
from hullo.operations.contacts.notes import AddContactNote
from hullo.operations.contacts.tags import TagChanges, TagContact
from hullo.store.protocol import PageRequest


def identified(terminal: Terminal, **body: object) -> tuple[str, str]:
    """The ids of an app, in a workspace that is not the usual one, and of a contact in it."""
    app = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    terminal.json("app", "create", "Elsewhere")
    with Hullo("sqlite:///hullo.db") as hullo:  # as another process would
        outcome = hullo.identify({"app_key": app["app_key"], **body}).result
    return app["app_id"], outcome.contact_id


def test_contact_shows_with_provenance_across_workspaces(terminal: Terminal):
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


def test_cleared_custom_data_is_not_shown(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    said = {"app_key": app["app_key"], "external_id": "u1"}
    with Hullo("sqlite:///hullo.db") as hullo:
        first = hullo.identify({**said, "custom_data": {"plan": "pro"}}).result
        hullo.identify({**said, "custom_data": {"plan": None}}, session_token=first.session_token)
    assert "Custom data" not in terminal.text("contacts", "show", first.contact_id)


def test_visitor_text_cannot_control_the_terminal(terminal: Terminal):
    _, contact_id = identified(terminal, external_id="u1", custom_data={"note": "red\n\u009b31malert"})
    text = terminal.text("contacts", "show", contact_id)
    assert "\u009b" not in text
    assert text.startswith("u1\n")


def test_unknown_contact_is_refused(terminal: Terminal):
    terminal.text("migrate")
    assert "no contact has this id" in terminal.refusal("contacts", "show", "con_nobody")


def test_contact_shows_tags_notes_events_and_conflicts(terminal: Terminal):
    app = terminal.json("app", "create", "Shop", "--workspace", "Acme")
    with Hullo("sqlite:///hullo.db") as hullo:
        signed = {"app_key": app["app_key"], "user_hash": hullo.user_hash(app["app_key"], "jane")}
        jane = hullo.identify({**signed, "external_id": "jane", "email": "j@x.test", "name": "Jane"}).result.contact_id
        other = {"external_id": "joe", "user_hash": hullo.user_hash(app["app_key"], "joe"), "email": "j@x.test"}
        joe = hullo.identify({"app_key": app["app_key"], **other}).result.contact_id
        about: dict[str, Any] = {"contact_id": jane, "workspace_id": app["workspace_id"], "writer": "agent:ada"}
        tagging = {"app_id": None, "changes": TagChanges(add=("vip",)), "limits": Limits()}
        report = EventReport(name="Order placed", properties={"total": 3})
        hullo.executor.run(TagContact(**about, **tagging, context=hullo.new_context()))
        hullo.executor.run(AddContactNote(**about, text="Call back\x1b[31m", context=hullo.new_context()))
        hullo.executor.run(AddContactEvent(**about, app_id=app["app_id"], report=report, context=hullo.new_context()))

    document = terminal.json("contacts", "show", jane)
    assert (document["tags"], document["emails"]) == (["vip"], ["j@x.test"])
    assert [note["text"] for note in document["notes"]] == ["Call back\x1b[31m"]
    assert [(each["contact_id"], each["other_id"]) for each in document["conflicts"]] == [(joe, jane)]
    assert document["timeline"][0]["data"] == {"name": "Order placed", "properties": {"total": 3}}

    text = terminal.text("contacts", "show", jane)
    assert text.startswith("Jane\n")
    assert "\x1b" not in text
    for line in ("tags       vip", "Call back\\x1b[31m", joe, "Order placed", "tags.vip - → true"):
        assert line in text

    why = terminal.text("contacts", "why", jane)
    assert "a page of app Shop made this contact with a signed hash (proven)." in " ".join(why.split())
    told = terminal.json("contacts", "why", jane, "--limit", "1")["items"]
    assert [each["words"][:3] for each in told] == ["On "]
    assert "Jane" not in told[0]["words"]


def test_swept_decisions_leave_nothing_to_explain(terminal: Terminal):
    _, contact_id = identified(terminal, external_id="u1")
    with Hullo("sqlite:///hullo.db") as hullo:
        moment = RequestContext.at(hullo.clock())
        workspace = next(each for each in hullo.store.list_workspaces() if each.name == "Acme")
        app = next(each for each in hullo.store.list_apps() if each.workspace_id == workspace.id)
        hullo.store.sweep(Sweep(app_id=app.id, now=moment.now, decisions_before=moment.now))
    assert "no longer keeps a decision" in terminal.text("contacts", "why", contact_id)


def test_export_holds_every_contact_of_a_workspace(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    with Hullo("sqlite:///hullo.db") as hullo:
        people = [
            hullo.identify({"app_key": app["app_key"], "external_id": f"u{number}", "name": "Ü🦊"}).result.contact_id
            for number in range(3)
        ]
    lines = [json.loads(line) for line in terminal.text("contacts", "export").splitlines()]
    assert [line["id"] for line in lines] == people[::-1]
    assert lines[0]["provenance"]["name"]["by"].startswith("visitor:")
    assert terminal.text("contacts", "export", "-") == terminal.text("contacts", "export")

    done = terminal.json("contacts", "export", "people.jsonl")
    file = terminal.folder / "people.jsonl"
    assert done == {"file": "people.jsonl", "contacts": 3, "workspace_id": app["workspace_id"]}
    assert [json.loads(line) for line in file.read_text("utf-8").splitlines()] == lines
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "--force" in terminal.misuse("contacts", "export", "people.jsonl")
    assert "Exported 3 contacts" in terminal.text("contacts", "export", "people.jsonl", "--force")
    assert "name a FILE" in terminal.misuse("contacts", "export", "--json")
    assert "cannot write" in terminal.refusal("contacts", "export", "nowhere/people.jsonl")
    assert sorted(each.name for each in terminal.folder.glob("*unfinished*")) == []
    with Hullo("sqlite:///hullo.db") as hullo:
        entries = hullo.store.list_audit(app["workspace_id"], PageRequest()).items
    assert entries[0].action == "contacts.exported"


def test_export_needs_a_workspace_when_ambiguous(terminal: Terminal):
    terminal.json("app", "create", "Shop", "--workspace", "Acme")
    terminal.json("app", "create", "Elsewhere")
    assert "several workspaces" in terminal.refusal("contacts", "export")
    assert terminal.text("contacts", "export", "--workspace", "Acme") == ""
    assert "no workspace has the name or id 'Nobody'" in terminal.refusal("contacts", "export", "--workspace", "Nobody")
