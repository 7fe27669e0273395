"""Rule P2: an old tab makes nobody anew who was erased, is told what it would be told otherwise, and a proof may."""

from __future__ import annotations

import threading
from hashlib import sha256

import pytest
from msgspec.structs import replace

from hullo.application import Hullo
from hullo.engine.app_cache import AppCache
from hullo.errors import SettingsError
from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.tombstone import tombstone_digest
from hullo.model.visitor import SESSION_LIFETIME
from hullo.operations.admin.register import NewApp
from hullo.pipeline.tell import MATCHED_BY_ERASED
from hullo.secrets.vault import Vault
from hullo.settings import Settings
from hullo.store.protocol import APPLIED, ConversationFilter, PageRequest, Store
from rules_plugins import ByCard
from world import Browser, World

EMAIL = "jane@example.com"


def erased(world: World, **names: object) -> None:
    """Somebody of these names was there once."""
    world.erase(world.upsert(**(names or {"email": EMAIL})).contact_id)


def rows(world: World) -> dict[str, int]:
    """How much of each there is."""
    store, workspace = world.hullo.store, world.app.workspace_id
    return {
        "contacts": len(world.contacts()),
        "conflicts": len(world.conflicts()),
        "linked": sum(
            each.contact_id is not None
            for each in store.list_conversations(
                ConversationFilter(workspace_id=workspace), PageRequest(limit=200)
            ).items
        ),
        "audit": len(world.audit()),
    }


@pytest.mark.rule("P2", "H2")
def test_old_tab_recreates_no_erased_contact(world: World) -> None:
    erased(world, external_id="jane", email=EMAIL)
    browser = world.visitor()
    browser.join()
    browser.say("Hello again")
    before = rows(world)
    outcome = browser.identify(email=EMAIL, name="Jane Doe", custom_data={"plan": "pro"})
    assert (outcome.contact_id, outcome.matched_by, outcome.standing) == (None, MATCHED_BY_ERASED, Standing.CLAIMED)
    assert (rows(world), browser.wrote.events) == (before, ())
    assert not browser.identify(email=EMAIL, name="Jane Doe").changed
    session = browser.resume().session
    assert (session.contact_id, session.standing) == (None, Standing.CLAIMED)
    assert session.expires_at - session.seen_at == SESSION_LIFETIME


@pytest.mark.rule("P2", "P4")
def test_session_tombstone_cannot_be_guessed_without_salt(world: World) -> None:
    contact = world.contact(world.upsert(email=EMAIL).contact_id)
    world.erase(contact.id)
    browser = world.visitor()
    browser.identify(email=EMAIL)
    [digest] = contact.identifier_digests()
    assert digest not in str(dict(browser.resume().session.claimed_identifiers))


@pytest.mark.rule("P2", "H2")
def test_any_erased_identifier_is_recognized(world: World) -> None:
    first = world.upsert(external_id="jane", email=EMAIL).contact_id
    world.merge(first, world.upsert(email="old@example.com").contact_id)
    world.erase(first)
    for body in (
        {"email": "old@example.com"},
        {"email": " JANE@example.com"},
        {"external_id": "jane", "email": "n@x.test"},
    ):
        assert world.visitor().identify(**body).matched_by == MATCHED_BY_ERASED
    assert world.visitor().identify(external_id="Jane").matched_by == "created"


@pytest.mark.rule("P2")
def test_erased_plugin_identifier_is_recognized(store: Store) -> None:
    world = World(store, plugins=[ByCard])
    erased(world, email=EMAIL, custom_data={"card": "4711"})
    assert world.visitor().identify(external_id="x", custom_data={"card": "4711"}).matched_by == MATCHED_BY_ERASED


@pytest.mark.rule("P2")
def test_proof_recreates_erased_contact_and_reports_it(world: World) -> None:
    erased(world, external_id="jane", email=EMAIL)
    browser = world.visitor()
    outcome = browser.identify(external_id="jane", email=EMAIL, signed="external_id")
    assert (outcome.matched_by, outcome.standing) == ("created", Standing.PROVEN)
    assert browser.decision is not None
    assert any("was erased" in step.answer and "P2" in step.answer for step in browser.decision.trace.steps)
    created = [each for each in browser.wrote.events if each.name == "contact.created"]
    assert [each.data.get("recreated") for each in created] == [True]
    assert [each.contact_id for each in created] == [outcome.contact_id]


@pytest.mark.rule("P2")
def test_server_recreates_erased_contact(world: World) -> None:
    erased(world)
    outcome = world.upsert(email=EMAIL)
    assert (outcome.matched_by, [each.id for each in world.contacts()]) == ("created", [outcome.contact_id])
    assert outcome.contact_id is not None
    timeline = world.hullo.store.list_timeline(world.app.workspace_id, outcome.contact_id, PageRequest()).items
    assert [(each.name, each.data) for each in timeline] == [("contact.created", {"recreated": True})]


@pytest.mark.rule("P2")
def test_new_contact_is_not_reported_as_recreated(world: World) -> None:
    erased(world)
    browser = world.visitor()
    browser.identify(email="joe@example.com", signed="email")
    assert browser.decision is not None
    assert not any("was erased" in step.answer for step in browser.decision.trace.steps)
    assert all("recreated" not in each.data for each in browser.wrote.events)


@pytest.mark.rule("P2", "L1")
def test_proof_in_same_tab_links_its_conversation(world: World) -> None:
    erased(world)
    browser = world.visitor()
    browser.join()
    said = browser.say("Hello again").conversation.id
    browser.identify(email=EMAIL)
    outcome = browser.identify(email=EMAIL, signed="email")
    assert (outcome.switched, outcome.linked_conversations) == (False, 1)
    conversation = world.hullo.store.find_conversation(world.app.workspace_id, said)
    assert conversation is not None
    assert conversation.contact_id == outcome.contact_id


@pytest.mark.rule("P2", "C5")
def test_other_identifier_in_tab_is_another_contact(world: World) -> None:
    erased(world)
    browser = world.visitor()
    browser.identify(email=EMAIL)
    browser.say("Hello again")
    outcome = browser.identify(email="joe@example.com")
    assert (outcome.switched, outcome.linked_conversations) == (True, 0)
    browser = world.visitor()
    browser.identify(email=EMAIL)
    assert browser.identify(email="ann@example.com", signed="email").switched


@pytest.mark.rule("P2")
def test_erased_identifier_beside_known_matches_the_known(world: World) -> None:
    erased(world)
    known = world.upsert(external_id="joe").contact_id
    assert world.visitor().identify(external_id="joe", email=EMAIL).contact_id == known


@pytest.mark.rule("P2", "C3", "C4")
@pytest.mark.parametrize("known", [{}, {"external_id": "bert"}])
def test_erased_identifier_stays_free_without_proof(world: World, known: dict[str, str]) -> None:
    """Neither does who is known take it (C3), nor is anybody made for it (C4)."""
    erased(world, external_id="jane")
    bert = world.visitor().identify(email="bert@example.com", **known).contact_id
    world.visitor().identify(external_id="jane", email="bert@example.com")
    assert [each.id for each in world.contacts()] == [bert]
    assert world.contacts()[0].external_id == known.get("external_id")
    proven = world.visitor().identify(external_id="jane", email="bert@example.com", signed="external_id")
    assert proven.contact_id is not None
    assert world.contact(proven.contact_id).external_id == "jane"


@pytest.mark.rule("P2")
def test_recreated_contact_is_matched_by_claims(world: World) -> None:
    erased(world)
    old_tab = world.visitor()
    old_tab.identify(email=EMAIL)
    anew = world.upsert(email=EMAIL).contact_id
    assert old_tab.identify(email=EMAIL).contact_id == anew
    assert old_tab.resume().session.contact_id == anew


@pytest.mark.rule("P2")
def test_tombstone_is_limited_to_its_workspace(world: World) -> None:
    erased(world)
    elsewhere = world.hullo.create_app("Elsewhere", workspace="Other")
    assert world.visitor(elsewhere).identify(email=EMAIL).matched_by == "created"
    salts = [each.salt for each in world.hullo.store.list_workspaces()]
    assert len(set(salts)) == 2
    assert all(len(salt) == 64 for salt in salts)
    assert len({tombstone_digest(salt, "digest") for salt in salts}) == 2


@pytest.mark.rule("P2", "V4")
def test_older_workspace_gets_salt_at_startup(store: Store) -> None:
    World(store)
    [workspace] = store.list_workspaces()
    assert set(store.apply([ChangeSet(workspaces=(replacement(workspace, replace(workspace, salt="")),))])) == {APPLIED}
    with Hullo(store):
        [salted] = store.list_workspaces()
    assert len(salted.salt) == 64


def test_concurrent_startups_agree_on_one_salt(store: Store) -> None:
    World(store)
    [workspace] = store.list_workspaces()
    assert set(store.apply([ChangeSet(workspaces=(replacement(workspace, replace(workspace, salt="")),))])) == {APPLIED}
    salts: list[str] = []
    barrier = threading.Barrier(3)

    def start() -> None:
        barrier.wait()
        salts.append(AppCache(store, Vault()).workspace_salt(workspace.id))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [salted] = store.list_workspaces()
    assert salts == [salted.salt] * 3


@pytest.mark.rule("P2", "V4")
def test_sealed_salt_and_tombstones_survive_key_rotation() -> None:
    store = open_store("memory:")
    old, new = (sha256(name).hexdigest() for name in (b"old", b"new"))
    erased(World(store, settings=Settings(master_keys=(old,))))
    [sealed] = store.list_workspaces()
    assert sealed.salt.startswith("sealed:1:")
    World.end()
    World(store, settings=Settings(master_keys=(new, old)))
    [anew] = store.list_workspaces()
    assert anew.salt != sealed.salt
    World.end()
    world = World(store, settings=Settings(master_keys=(new,)))
    assert world.visitor().identify(email=EMAIL).matched_by == MATCHED_BY_ERASED
    World.end()
    with pytest.raises(SettingsError):
        World(store)


def _hop(world: World, browser: Browser, there: NewApp) -> Outcome:
    return world.visitor(there).identify(identity_token=browser.token_for(there))


@pytest.mark.rule("P2", "T1", "H2")
def test_erased_claim_hops_and_creates_no_contact(world: World) -> None:
    there = world.hullo.create_app("Help centre")
    stranger = world.visitor()
    stranger.identify(email="joe@example.com")
    as_ever = _hop(world, stranger, there)
    erased(world)
    browser = world.visitor()
    browser.identify(email=EMAIL)
    before = rows(world)
    outcome = _hop(world, browser, there)
    assert outcome.contact_id is None
    assert (outcome.standing, outcome.switched) == (as_ever.standing, as_ever.switched)
    assert rows(world) == before
