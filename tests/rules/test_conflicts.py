"""Rules C: two identifiers that point at different people."""

from __future__ import annotations

from typing import ClassVar

import pytest

from hullo import MergePlan, hookimpl
from hullo.errors import Conflicting, Invalid
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.conflict import Conflict, ConflictResolution
from hullo.store.protocol import PageRequest, Store
from rules_plugins import ByCard
from world import AGENT, World


class JoinsEverybody:
    """A plugin that takes everybody for one."""

    name: ClassVar = "joins-everybody"

    @hookimpl
    def plan_merge(self) -> MergePlan:
        return MergePlan(rule="why not")


@pytest.mark.rule("C1", "C7")
def test_contact_with_email_keeps_it_beside_conflict(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com")
    bert = world.upsert(email="bert@example.com")
    outcome = world.visitor().identify(external_id="anna", email="bert@example.com", name="Anna", signed="external_id")
    assert outcome.contact_id == anna.contact_id
    assert world.contact(anna.contact_id).email == "anna@example.com"
    assert world.contact(anna.contact_id).profile["name"].value == "Anna"
    assert world.contact(bert.contact_id).email == "bert@example.com"
    assert world.conflicts() == [("C1", "email")]


@pytest.mark.rule("C1", "G1", "L4")
def test_proof_of_both_identifiers_merges_contacts(world: World) -> None:
    """Somebody who talked by email logs in: the site's token vouches for the id and for the email."""
    browser, app = world.visitor(), world.hullo.create_app("Help")
    lead = browser.identify(email="jane@example.com", custom_data={"source": "ad"}).contact_id
    world.visitor(app).identify(email="jane@example.com", custom_data={"seen": True})
    talk = browser.say("Is this in stock?").conversation
    user = world.upsert(external_id="jane", name="Jane").contact_id
    token = world.hullo.mint_token(world.app.app_key, external_id="jane", email="jane@example.com")
    outcome = browser.identify(token=token)
    assert (outcome.contact_id, outcome.matched_by, outcome.switched) == (user, "external_id", False)
    one = world.contact(user)
    assert (one.email, one.absorbed) == ("jane@example.com", 1)
    assert (world.custom_data(user), world.custom_data(user, app)) == ({"source": "ad"}, {"seen": True})
    assert world.contact(lead).merged_into == user
    assert [each.id for each in browser.conversations()] == [talk.id]
    assert world.conflicts() == []
    told = [(event.name, event.data.get("absorbed_id")) for event in browser.wrote.events]
    assert ("contact.merged", lead) in told


@pytest.mark.rule("C1", "W9")
def test_server_naming_both_merges_contacts_once(world: World) -> None:
    user = world.upsert(external_id="jane", email="old@example.com").contact_id
    lead = world.upsert(email="jane@example.com", company="Acme").contact_id
    outcome = world.upsert(external_id="jane", email="jane@example.com")
    assert outcome.contact_id == user
    assert world.contact(lead).merged_into == user
    assert world.contact(user).email == "jane@example.com"
    assert [fact.value for fact in world.contact(user).also["email"]] == ["old@example.com"]
    assert not world.upsert(external_id="jane", email="jane@example.com").changed


@pytest.mark.rule("C1", "G2")
def test_rule_merge_can_be_undone(world: World) -> None:
    user = world.upsert(external_id="jane").contact_id
    lead = world.upsert(email="jane@example.com", company="Acme").contact_id
    world.upsert(external_id="jane", email="jane@example.com")
    (merge,) = world.hullo.store.list_merges(world.app.workspace_id, user, PageRequest()).items
    assert merge.rule == "C1"
    world.undo(merge.id)
    assert world.contact(user).email is None
    assert (world.contact(lead).email, world.contact(lead).profile["company"].value) == ("jane@example.com", "Acme")


@pytest.mark.rule("C1", "C6", "C4")
def test_claimed_email_does_not_merge_proven_contact(world: World) -> None:
    """Mallory, whose loyalty card is proven, has claimed Jane's email: Jane's token must not swallow him."""
    store = world.hullo.store
    carded = World(store, plugins=[ByCard])
    mallory = carded.upsert(custom_data={"card": "4711"}).contact_id
    carded.visitor().identify(email="jane@example.com", custom_data={"card": "4711"})
    assert carded.contact(mallory).email == "jane@example.com"
    jane = carded.upsert(external_id="jane").contact_id
    token = carded.hullo.mint_token(carded.app.app_key, external_id="jane", email="jane@example.com")
    outcome = carded.visitor().identify(token=token)
    assert outcome.contact_id == jane
    assert carded.contact(mallory).merged_into is None


@pytest.mark.rule("C1", "M4")
def test_without_join_plugin_no_contacts_merge(store: Store) -> None:
    world = World(store, without=["proven-email"])
    world.upsert(external_id="jane")
    lead = world.upsert(email="jane@example.com").contact_id
    world.upsert(external_id="jane", email="jane@example.com")
    assert world.contact(lead).merged_into is None
    assert world.conflicts() == [("C1", "email")]


@pytest.mark.rule("C2")
def test_contacts_with_external_ids_never_merge(world: World) -> None:
    anna = world.upsert(external_id="anna")
    bert = world.upsert(external_id="bert", email="bert@example.com")
    world.upsert(external_id="anna", email="bert@example.com")
    assert world.contact(anna.contact_id).email is None
    assert world.contact(bert.contact_id).email == "bert@example.com"
    assert world.conflicts() == [("C2", "email")]


@pytest.mark.rule("C3")
def test_contact_known_by_email_gains_external_id(world: World) -> None:
    known = world.visitor().identify(email="jane@example.com")
    outcome = world.visitor().identify(external_id="user_123", email="jane@example.com")
    assert outcome.contact_id == known.contact_id
    assert world.contact(known.contact_id).external_id == "user_123"


@pytest.mark.rule("C4")
def test_different_external_id_makes_contact_without_email(world: World) -> None:
    jane = world.upsert(external_id="jane", email="jane@example.com")
    outcome = world.visitor().identify(external_id="other", email="jane@example.com", signed="external_id")
    assert outcome.matched_by == "created"
    assert world.contact(outcome.contact_id).email is None
    assert world.contact(jane.contact_id).external_id == "jane"
    assert world.conflicts() == [("C4", "email")]


@pytest.mark.rule("C4")
def test_proven_external_id_displaces_claimed_one(world: World) -> None:
    squatter = world.visitor().identify(external_id="made-up", email="jane@example.com")
    outcome = world.visitor().identify(external_id="jane", email="jane@example.com", signed="external_id")
    assert outcome.contact_id == squatter.contact_id
    assert world.contact(outcome.contact_id).external_id == "jane"
    free_again = world.upsert(external_id="made-up")
    assert free_again.matched_by == "created"


@pytest.mark.rule("C4", "V2")
def test_claimed_email_does_not_match_its_prover(world: World) -> None:
    """Mallory, who is proven, writes Jane's email to his own contact; Jane's proof must not land her there."""
    mallory = world.visitor().identify(external_id="mallory", email="jane@example.com", signed="external_id")
    jane = world.visitor().identify(email="jane@example.com", signed="email")
    assert jane.contact_id != mallory.contact_id
    assert world.contact(mallory.contact_id).email is None
    assert world.contact(jane.contact_id).email == "jane@example.com"
    assert world.conflicts() == [("C4", "email")]


@pytest.mark.rule("C4", "V2")
def test_proven_email_does_not_open_victims_contact(world: World) -> None:
    """Mallory fills the blank email of Jane's contact with his own, then proves that email."""
    jane = world.upsert(external_id="jane", name="Jane")
    world.visitor().identify(external_id="jane", email="mallory@example.com")
    mallory = world.visitor().identify(email="mallory@example.com", signed="email")
    assert mallory.contact_id != jane.contact_id


@pytest.mark.rule("C5")
def test_user_switch_makes_new_visitor_without_merge(world: World) -> None:
    browser = world.visitor()
    first = browser.identify(external_id="anna", signed="external_id")
    conversation = browser.say("I am Anna").conversation
    token_of_anna = browser.token
    second = browser.identify(external_id="bert", signed="external_id")
    assert (first.switched, second.switched) == (False, True)
    assert second.visitor_id != first.visitor_id
    assert browser.token != token_of_anna
    known = world.hullo.store.find_conversation(world.app.workspace_id, conversation.id)
    assert known is not None
    assert known.contact_id == first.contact_id
    assert browser.conversations() == ()


@pytest.mark.rule("C5", "S2")
def test_session_before_switch_is_refused(world: World) -> None:
    from hullo.errors import SessionRevoked

    browser = world.visitor()
    browser.identify(external_id="anna")
    old = browser.token
    browser.identify(external_id="bert")
    browser.token = old
    with pytest.raises(SessionRevoked):
        browser.resume()


@pytest.mark.rule("C5")
def test_shared_browser_is_noted_without_conflict(world: World) -> None:
    browser = world.visitor()
    anna = browser.identify(external_id="anna")
    browser.identify(external_id="bert")
    assert browser.decision is not None
    assert any(anna.contact_id in step.answer for step in browser.decision.trace.steps if step.stage == "visit")
    assert world.conflicts() == []


@pytest.mark.rule("C2", "C6")
def test_plugin_cannot_merge_contacts_without_proof(store: Store) -> None:
    world = World(store, plugins=[JoinsEverybody])
    anna = world.upsert(external_id="anna", email="anna@example.com").contact_id
    bert = world.upsert(external_id="bert", email="bert@example.com").contact_id
    carl = world.upsert(email="carl@example.com").contact_id
    world.upsert(external_id="anna", email="bert@example.com")
    world.visitor().identify(external_id="anna", email="carl@example.com", signed="external_id")
    assert [world.contact(each).merged_into for each in (anna, bert, carl)] == [None, None, None]


@pytest.mark.rule("C6")
def test_two_proven_contacts_are_never_merged(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com")
    bert = world.upsert(external_id="bert", email="bert@example.com")
    world.upsert(external_id="anna", email="bert@example.com")
    assert {contact.id for contact in world.contacts()} == {anna.contact_id, bert.contact_id}
    assert all(contact.merged_into is None for contact in world.contacts())


@pytest.mark.rule("C7")
def test_repeated_conflict_is_stored_once(world: World) -> None:
    world.upsert(external_id="anna")
    world.upsert(external_id="bert", email="bert@example.com")
    for _ in range(3):
        outcome = world.visitor().identify(external_id="anna", email="bert@example.com", signed="external_id")
    assert outcome.conflicts == ()
    assert len(world.conflicts()) == 1


@pytest.mark.rule("C7")
def test_conflict_emits_event(world: World) -> None:
    world.upsert(external_id="anna")
    world.upsert(external_id="bert", email="bert@example.com")
    browser = world.visitor()
    browser.identify(external_id="anna", email="bert@example.com", signed="external_id")
    assert "identity.conflict" in [event.name for event in browser.wrote.events]


def a_conflict(world: World) -> tuple[str, str, Conflict]:
    """Anna's call named an email that Bert has."""
    anna = world.upsert(external_id="anna", email="anna@example.com").contact_id
    bert = world.upsert(external_id="bert", email="bert@example.com", company="Acme").contact_id
    world.upsert(external_id="anna", email="bert@example.com")
    (conflict,) = world.open_conflicts()
    assert (conflict.contact_id, conflict.other_id) == (anna, bert)
    return anna, bert, conflict


@pytest.mark.rule("C7")
def test_conflict_kept_apart_is_not_reported_again(world: World) -> None:
    anna, bert, conflict = a_conflict(world)
    settled = world.settle(conflict, "keep").conflict
    assert (settled.status, settled.resolution, settled.resolved_by) == ("resolved", "keep", AGENT)
    assert not world.upsert(external_id="anna", email="bert@example.com").changed
    assert world.conflicts() == []
    assert [world.contact(each).email for each in (anna, bert)] == ["anna@example.com", "bert@example.com"]


@pytest.mark.rule("C7", "G1")
def test_conflict_is_resolved_by_merge(world: World) -> None:
    anna, bert, conflict = a_conflict(world)
    absorbed = world.settle(conflict, "merge").merge_result
    assert absorbed is not None
    assert absorbed.merge.rule == f"conflict {conflict.id}"
    assert world.current(bert).id == anna
    assert world.contact(anna).profile["company"].value == "Acme"
    assert world.conflicts() == []
    world.undo(absorbed.merge.id)
    assert world.contact(bert).email == "bert@example.com"


@pytest.mark.rule("C7", "W7")
def test_conflict_is_resolved_by_moving_the_email(world: World) -> None:
    anna, bert, conflict = a_conflict(world)
    world.settle(conflict, "move_email")
    assert world.contact(anna).email == "bert@example.com"
    assert [fact.value for fact in world.contact(anna).also["email"]] == ["anna@example.com"]
    assert (world.contact(bert).email, world.contact(bert).external_id) == (None, "bert")
    assert world.upsert(email="bert@example.com").contact_id == anna
    assert world.conflicts() == []


@pytest.mark.rule("C7")
def test_conflict_without_email_moves_none(world: World) -> None:
    anna = world.upsert(email="anna@example.com").contact_id
    bert = world.upsert(external_id="bert", email="bert@example.com").contact_id
    conflict = Conflict(
        id="cfl_0",
        workspace_id=world.app.workspace_id,
        app_id=None,
        contact_id=anna,
        other_id=bert,
        field="external_id",
        rule="C2",
        created_at=world.clock(),
    )
    world.hullo.store.apply([ChangeSet(conflicts=(insertion(conflict),))])
    with pytest.raises(Invalid, match="about external_id"):
        world.settle(conflict, "move_email")


@pytest.mark.rule("C7")
@pytest.mark.parametrize("action", ["keep", "merge", "move_email"])
def test_conflict_is_resolved_once(world: World, action: ConflictResolution) -> None:
    _, _, conflict = a_conflict(world)
    world.settle(conflict, "keep")
    with pytest.raises(Conflicting, match="resolved already, by keep"):
        world.settle(conflict, action)


@pytest.mark.rule("C7", "G3")
def test_conflict_of_absorbed_contact_passes_to_survivor(world: World) -> None:
    anna, bert, conflict = a_conflict(world)
    carl = world.upsert(external_id="carl").contact_id
    world.merge(carl, anna)
    world.settle(conflict, "merge")
    assert world.current(bert).id == carl


@pytest.mark.rule("C7")
def test_manual_merge_resolves_open_conflicts(world: World) -> None:
    anna, bert, _ = a_conflict(world)
    world.merge(bert, anna)
    assert world.conflicts() == []


@pytest.mark.rule("C4")
def test_claim_in_proven_session_yields_to_proof(world: World) -> None:
    browser = world.visitor()
    browser.join()
    browser.identify(email="bob@example.com", source="prompt")
    ann = browser.identify(external_id="ann", signed="external_id")
    assert world.contact(ann.contact_id).email == "bob@example.com"
    token = world.hullo.mint_token(world.app.app_key, external_id="bob", email="bob@example.com")
    bob = browser.identify(token=token)
    assert world.contact(bob.contact_id).email == "bob@example.com"
    assert world.contact(ann.contact_id).email is None
