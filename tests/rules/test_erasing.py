"""Rule P2: a person is erased, and what stays says only that it was done."""

from __future__ import annotations

import pytest

from hullo.errors import Conflicting, NotFound, SessionRevoked
from hullo.model.contact import Contact
from hullo.operations.privacy.erase import EraseContact
from hullo.store.protocol import ConversationFilter, Page, PageRequest
from world import AGENT, Browser, World

ALL = PageRequest(limit=200)


def jane(world: World) -> Browser:
    """Somebody with a little of everything."""
    browser = world.visitor()
    browser.identify(external_id="jane", email="jane@example.com", name="Jane Doe", signed="external_id")
    browser.say("My secret")
    return browser


def contact_id_of(browser: Browser) -> str:
    contact_id = browser.resume().session.contact_id
    assert contact_id is not None
    return contact_id


@pytest.mark.rule("P2")
@pytest.mark.parametrize(("fate", "left"), [("erase", 0), ("anonymise", 1)])
def test_erased_contact_leaves_no_data(world: World, fate: str, left: int) -> None:
    browser = jane(world)
    contact_id = contact_id_of(browser)
    world.visitor().identify(external_id="joe", email="jane@example.com", signed="external_id")
    world.erase(contact_id, fate)  # type: ignore[arg-type]
    store, place = world.hullo.store, (world.app.workspace_id, contact_id)
    assert store.find_contact(*place) is None
    for listed in (store.list_timeline, store.list_decisions, store.list_notes, store.list_merges, store.list_sessions):
        assert listed(*place, ALL) == Page(items=(), next=None)
    assert world.conflicts() == []
    conversations = store.list_conversations(ConversationFilter(workspace_id=world.app.workspace_id), ALL).items
    assert [(each.contact_id, each.link_standing) for each in conversations] == [(None, None)] * left
    with pytest.raises(SessionRevoked):
        browser.resume()


@pytest.mark.rule("P2", "G2", "G3")
def test_restored_id_erases_no_other_contact(world: World) -> None:
    survivor, absorbed = (world.upsert(external_id=each).contact_id for each in ("anna", "bert"))
    assert survivor is not None
    assert absorbed is not None
    merge = world.merge(survivor, absorbed).merge
    work = EraseContact.for_contact(
        world.hullo.store,
        world.app.workspace_id,
        absorbed,
        conversations="erase",
        by=AGENT,
        context=world.hullo.new_context(),
    )
    world.undo(merge.id)
    with pytest.raises(Conflicting, match="try again"):
        world.hullo.executor.run(work)
    assert {each.id for each in world.contacts()} == {survivor, absorbed}


@pytest.mark.rule("P2", "G3")
def test_absorbed_id_erases_the_whole_contact(world: World) -> None:
    survivor = world.upsert(external_id="jane", email="jane@example.com").contact_id
    absorbed = world.upsert(email="old@example.com").contact_id
    world.merge(survivor, absorbed)
    assert world.erase(absorbed) == survivor
    for contact_id in (survivor, absorbed):
        with pytest.raises(NotFound):
            world.erase(contact_id)
    for email in ("jane@example.com", "old@example.com"):
        world.visitor().identify(email=email)
    assert world.contacts() == ()


@pytest.mark.rule("P2")
def test_second_erasure_finds_no_contact(world: World) -> None:
    contact_id = contact_id_of(jane(world))
    world.erase(contact_id)
    with pytest.raises(NotFound):
        world.erase(contact_id)
    assert [each.action for each in world.audit() if each.subject == contact_id] == ["contact.erased"]


@pytest.mark.rule("P2", "P4")
def test_erasure_is_recorded_without_personal_data(world: World) -> None:
    browser = jane(world)
    contact_id = contact_id_of(browser)
    store, workspace, moment = world.hullo.store, world.app.workspace_id, world.hullo.new_context()
    erase = EraseContact.for_contact(store, workspace, contact_id, conversations="anonymise", by=AGENT, context=moment)
    [event] = world.hullo.executor.run(erase).change_set.events
    assert (event.name, event.contact_id, event.by) == ("contact.erased", contact_id, AGENT)
    assert event.data == {"conversations": "anonymise"}
    entry = world.audit()[-1]
    assert (entry.action, entry.subject, entry.by) == ("contact.erased", contact_id, AGENT)
    assert entry.data["fate_of_conversations"] == "anonymise"
    counts = {name: entry.data[name] for name in ("people", "identifiers", "conversations", "sessions", "notes")}
    assert counts == {"people": 1, "identifiers": 2, "conversations": 1, "sessions": 1, "notes": 0}
    assert "jane" not in f"{event}{entry}".lower()


@pytest.mark.rule("P2")
def test_erasure_leaves_other_contacts_unchanged(world: World) -> None:
    joe: Contact = world.contact(world.upsert(external_id="joe", email="joe@example.com").contact_id)
    world.erase(contact_id_of(jane(world)))
    assert world.contacts() == (joe,)
