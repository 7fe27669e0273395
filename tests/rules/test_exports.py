"""Rule P1: everything that is held about one person, as one document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hullo.api.export_schemas import EXPORT_FORMAT, build_export
from hullo.asgi.json import encode
from hullo.errors import NotFound
from hullo.operations.contacts.notes import AddContactNote
from hullo.operations.privacy.export import RecordExport
from hullo.store import reading
from world import AGENT, World

JANE = {
    "external_id": "jane",
    "email": "jane@example.com",
    "name": "Jane Doe",
    "phone": "+4930123456",
    "custom_data": {"plan": "pro", "orders": 3},
}


def exported(world: World, contact_id: str) -> Any:
    """The document as it travels."""
    store, workspace = world.hullo.store, world.app.workspace_id
    world.hullo.executor.run(
        RecordExport.for_contact(store, workspace, contact_id, by=AGENT, context=world.hullo.new_context())
    )
    return json.loads(encode(build_export(store, workspace, contact_id, world.clock())))


def note(world: World, contact_id: str, text: str) -> None:
    moment = world.hullo.new_context()
    workspace = world.app.workspace_id
    world.hullo.executor.run(
        AddContactNote(contact_id=contact_id, workspace_id=workspace, writer=AGENT, text=text, context=moment)
    )


@pytest.mark.rule("P1")
def test_export_holds_every_value_and_its_source(world: World) -> None:
    browser = world.visitor()
    browser.join()
    said = browser.say("Do you ship to Peru?")
    contact_id = browser.identify(**JANE, signed="external_id").contact_id
    note(world, contact_id, "Likes llamas")
    world.visitor().identify(external_id="joe", email="jane@example.com", signed="external_id")
    told = exported(world, contact_id)
    assert told["format"] == EXPORT_FORMAT
    assert told["exported_at"].endswith("Z")
    contact = told["contact"]
    assert contact["id"] == contact_id
    by_kind = {each["kind"]: each for each in contact["identifiers"]}
    assert (by_kind["external_id"]["value"], by_kind["external_id"]["standing"]) == ("jane", "proven")
    assert (by_kind["email"]["value"], by_kind["email"]["standing"]) == ("jane@example.com", "claimed")
    assert contact["profile"]["name"]["value"] == "Jane Doe"
    plan = contact["custom_data"][world.app.app_id]["plan"]
    assert plan["value"] == "pro"
    assert all(
        fact["by"].startswith("identity-key:") and fact["at"].endswith("Z") for fact in (*by_kind.values(), plan)
    )
    assert [each["text"] for each in told["conversations"][0]["messages"]] == ["Do you ship to Peru?"]
    assert told["conversations"][0]["id"] == said.conversation.id
    assert told["conversations"][0]["read_at"] == told["conversations"][0]["last_message_at"]
    assert [each["visitor_id"] for each in told["sessions"]] == [browser.resume().session.visitor_id]
    assert {each["name"] for each in told["timeline"]} >= {"contact.created", "contact.identified"}
    assert told["decisions"][0]["fields"]
    assert [each["field"] for each in told["conflicts"]] == ["email"]
    assert [each["text"] for each in told["notes"]] == ["Likes llamas"]
    assert [each["action"] for each in told["audit"]] == ["contact.exported"]


@pytest.mark.rule("P1", "P4")
def test_export_holds_no_secret_or_digest(world: World) -> None:
    browser = world.visitor()
    contact_id = browser.identify(**JANE, signed="external_id").contact_id
    session = browser.resume().session
    text = json.dumps(exported(world, contact_id))
    digests = world.contact(contact_id).identifier_digests()
    for secret in (
        str(browser.token),
        session.digest,
        world.app.identity_key,
        *digests,
        *session.claimed_identifiers.values(),
    ):
        assert secret not in text


@pytest.mark.rule("P1", "G3")
def test_absorbed_id_exports_survivor_and_both_originals(world: World) -> None:
    survivor = world.upsert(**JANE).contact_id
    absorbed = world.upsert(email="old@example.com", name="Jane O.").contact_id
    note(world, absorbed, "Before she married")
    world.merge(survivor, absorbed)
    told = exported(world, absorbed)
    assert (told["asked_for"], told["merged_into"], told["contact"]["id"]) == (absorbed, survivor, survivor)
    assert {"jane@example.com", "old@example.com"} <= {each["value"] for each in told["contact"]["identifiers"]}
    merge = told["merges"][0]
    assert merge["absorbed_before"]["profile"]["name"]["value"] == "Jane O."
    assert merge["survivor_before"]["profile"]["name"]["value"] == "Jane Doe"
    assert [each["text"] for each in told["notes"]] == ["Before she married"]
    assert "asked_for" not in exported(world, survivor)
    assert [each.subject for each in world.audit() if each.action == "contact.exported"] == [survivor] * 2


@pytest.mark.rule("P1")
def test_export_reads_lists_to_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_SIZE", 2)
    browser = world.visitor()
    contact_id = browser.identify(email="jane@example.com").contact_id
    said = [browser.say(f"{number}").conversation.id for number in range(5)]
    told = build_export(world.hullo.store, world.app.workspace_id, contact_id, world.clock())
    assert [conversation.id for conversation in told.conversations] == said[::-1]


@pytest.mark.rule("P1")
def test_export_is_limited_to_the_workspace(world: World) -> None:
    contact_id = world.upsert(**JANE).contact_id
    with pytest.raises(NotFound):
        build_export(world.hullo.store, "ws_other", contact_id, world.clock())
