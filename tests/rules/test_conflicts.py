"""Rules C: two identifiers that point at different people."""

from __future__ import annotations

import pytest

from world import World


@pytest.mark.rule("C1", "C7")
def test_an_email_of_somebody_without_external_id_stays_with_them(world: World) -> None:
    anna = world.upsert(external_id="anna")
    bert = world.upsert(email="bert@example.com")
    outcome = world.visitor().identify(external_id="anna", email="bert@example.com", name="Anna", signed="external_id")
    assert outcome.contact_id == anna.contact_id
    assert world.contact(anna.contact_id).email is None
    assert world.contact(anna.contact_id).profile["name"].value == "Anna"
    assert world.contact(bert.contact_id).email == "bert@example.com"
    assert world.conflicts() == [("C1", "email")]


@pytest.mark.rule("C2")
def test_two_people_with_external_ids_are_never_one(world: World) -> None:
    anna = world.upsert(external_id="anna")
    bert = world.upsert(external_id="bert", email="bert@example.com")
    world.upsert(external_id="anna", email="bert@example.com")
    assert world.contact(anna.contact_id).email is None
    assert world.contact(bert.contact_id).email == "bert@example.com"
    assert world.conflicts() == [("C2", "email")]


@pytest.mark.rule("C3")
def test_a_contact_known_by_email_takes_its_external_id(world: World) -> None:
    known = world.visitor().identify(email="jane@example.com")
    outcome = world.visitor().identify(external_id="user_123", email="jane@example.com")
    assert outcome.contact_id == known.contact_id
    assert world.contact(known.contact_id).external_id == "user_123"


@pytest.mark.rule("C3")
def test_a_mere_claim_gives_a_proven_person_no_external_id(world: World) -> None:
    jane = world.upsert(email="jane@example.com")
    outcome = world.visitor().identify(external_id="mallory", email="jane@example.com", signed="external_id")
    assert outcome.contact_id != jane.contact_id
    assert world.contact(jane.contact_id).external_id is None
    assert world.contact(outcome.contact_id).email is None
    assert world.conflicts() == [("C3", "email")]


@pytest.mark.rule("C4")
def test_another_external_id_makes_another_contact_without_the_email(world: World) -> None:
    jane = world.upsert(external_id="jane", email="jane@example.com")
    outcome = world.visitor().identify(external_id="other", email="jane@example.com", signed="external_id")
    assert outcome.matched_by == "created"
    assert world.contact(outcome.contact_id).email is None
    assert world.contact(jane.contact_id).external_id == "jane"
    assert world.conflicts() == [("C4", "email")]


@pytest.mark.rule("C4")
def test_a_proven_external_id_displaces_a_claimed_one(world: World) -> None:
    squatter = world.visitor().identify(external_id="made-up", email="jane@example.com")
    outcome = world.visitor().identify(external_id="jane", email="jane@example.com", signed="external_id")
    assert outcome.contact_id == squatter.contact_id
    assert world.contact(outcome.contact_id).external_id == "jane"
    free_again = world.upsert(external_id="made-up")
    assert free_again.matched_by == "created"


@pytest.mark.rule("C4", "V2")
def test_an_email_written_on_a_claim_does_not_catch_whoever_proves_it(world: World) -> None:
    """Mallory, who is proven, writes Jane's email to his own contact; Jane's proof must not land her there."""
    mallory = world.visitor().identify(external_id="mallory", email="jane@example.com", signed="external_id")
    jane = world.visitor().identify(email="jane@example.com", signed="email")
    assert jane.contact_id != mallory.contact_id
    assert world.contact(mallory.contact_id).email is None
    assert world.contact(jane.contact_id).email == "jane@example.com"
    assert world.conflicts() == [("C4", "email")]


@pytest.mark.rule("C4", "V2")
def test_an_email_claimed_for_a_victim_does_not_open_their_contact(world: World) -> None:
    """Mallory fills the blank email of Jane's contact with his own, then proves that email."""
    jane = world.upsert(external_id="jane", name="Jane")
    world.visitor().identify(external_id="jane", email="mallory@example.com")
    mallory = world.visitor().identify(email="mallory@example.com", signed="email")
    assert mallory.contact_id != jane.contact_id


@pytest.mark.rule("C5")
def test_a_user_switch_issues_a_new_visitor_and_never_merges(world: World) -> None:
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
def test_the_session_of_before_a_switch_is_refused(world: World) -> None:
    from hullo.errors import SessionRevoked

    browser = world.visitor()
    browser.identify(external_id="anna")
    old = browser.token
    browser.identify(external_id="bert")
    browser.token = old
    with pytest.raises(SessionRevoked):
        browser.resume()


@pytest.mark.rule("C5")
def test_that_two_used_one_browser_is_noted_for_agents_and_is_no_conflict(world: World) -> None:
    browser = world.visitor()
    anna = browser.identify(external_id="anna")
    browser.identify(external_id="bert")
    assert browser.decision is not None
    assert any(anna.contact_id in step.answer for step in browser.decision.trace.steps if step.stage == "visit")
    assert world.conflicts() == []


@pytest.mark.rule("C6")
def test_two_proven_contacts_are_never_merged(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com")
    bert = world.upsert(external_id="bert", email="bert@example.com")
    world.upsert(external_id="anna", email="bert@example.com")
    assert {contact.id for contact in world.contacts()} == {anna.contact_id, bert.contact_id}
    assert all(contact.merged_into is None for contact in world.contacts())


@pytest.mark.rule("C7")
def test_a_conflict_is_stored_once_however_often_it_is_met(world: World) -> None:
    world.upsert(external_id="anna")
    world.upsert(external_id="bert", email="bert@example.com")
    for _ in range(3):
        outcome = world.visitor().identify(external_id="anna", email="bert@example.com", signed="external_id")
    assert outcome.conflicts == ()
    assert len(world.conflicts()) == 1


@pytest.mark.rule("C7")
def test_a_conflict_is_told_as_an_event(world: World) -> None:
    world.upsert(external_id="anna")
    world.upsert(external_id="bert", email="bert@example.com")
    browser = world.visitor()
    browser.identify(external_id="anna", email="bert@example.com", signed="external_id")
    assert "identity.conflict" in [event.name for event in browser.wrote.events]
