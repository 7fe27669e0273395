"""A visitor who typed an email into the widget, and then logs in: one visitor, one session, one contact (C8, L2)."""

from __future__ import annotations

import pytest

from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.store.protocol import PageRequest
from world import Browser, World

EMAIL = "jane@x.test"


def lead(world: World, email: str = EMAIL, **fields: object) -> tuple[Browser, str, Outcome]:
    """A visitor who has said something and typed an email, and the conversation."""
    browser = world.visitor()
    browser.join()
    conversation = browser.say().conversation.id
    return browser, conversation, browser.identify(email=email, source="prompt", **fields)


def link_of(world: World, conversation: str) -> tuple[str | None, Standing | None]:
    found = world.hullo.store.find_conversation(world.app.workspace_id, conversation)
    assert found is not None
    return found.contact_id, found.link_standing


LOGINS = {
    "same email": {"email": EMAIL},
    "another email": {"email": "j.doe@x.test"},
    "no email": {},
}


@pytest.mark.rule("C8", "L2", "L4", "G1")
@pytest.mark.parametrize("known", ["new", "known", "known with an email"])
@pytest.mark.parametrize("login", LOGINS)
def test_login_keeps_leads_visitor_and_conversation(world: World, login: str, known: str) -> None:
    jane = None
    if known != "new":
        has = {"email": "mine@x.test"} if known == "known with an email" else {}
        jane = world.upsert(external_id="jane", **has).contact_id
    browser, conversation, typed = lead(world, name="J", custom_data={"plan": "free", "seats": 1})
    token = browser.token
    fields = {**LOGINS[login], "custom_data": {"plan": "pro"}}
    proven = browser.identify(external_id="jane", signed="external_id", **fields)
    assert (proven.switched, proven.standing, browser.token) == (False, Standing.PROVEN, token)
    assert proven.visitor_id == typed.visitor_id
    # The person sees what was said on every device.
    assert link_of(world, conversation) == (proven.contact_id, Standing.PROVEN)
    phone = world.visitor()
    phone.identify(external_id="jane", signed="external_id")
    assert [shown.id for shown in phone.conversations()] == [conversation] == [c.id for c in browser.conversations()]
    # One contact: the values that were typed fill its blanks.
    if jane is not None:
        assert proven.contact_id == jane
    assert world.current(str(typed.contact_id)).id == proven.contact_id
    assert [contact.id for contact in world.contacts()] == [proven.contact_id]
    contact = world.contact(str(proven.contact_id))
    assert world.custom_data(contact.id) == {"plan": "pro", "seats": 1}
    assert contact.profile["name"].standing < Standing.PROVEN
    emails = {fact.value for kind, fact in contact.all_identifiers() if kind == "email"}
    assert emails >= {EMAIL, *LOGINS[login].values()}
    # Nothing is left to do: a repeat changes nothing, and the session is a lead no more.
    assert not browser.identify(external_id="jane", signed="external_id", **fields).changed
    assert browser.identify(external_id="other", signed="external_id").switched


@pytest.mark.rule("C8", "G2")
def test_undo_gives_typed_contact_back(world: World) -> None:
    jane = world.upsert(external_id="jane").contact_id
    browser, conversation, typed = lead(world, name="J")
    before = world.contact(str(typed.contact_id))
    browser.identify(external_id="jane", signed="external_id")
    [merge] = world.hullo.store.list_merges(world.app.workspace_id, str(jane), PageRequest()).items
    assert (merge.rule, merge.absorbed_id) == ("C8", before.id)
    world.undo(merge.id)
    after = world.contact(before.id)
    assert (after.identifiers, after.profile) == (before.identifiers, before.profile)
    # The visitor has proven who said it, whatever becomes of the email.
    assert link_of(world, conversation) == (jane, Standing.PROVEN)
    assert world.contact(str(jane)).email is None


@pytest.mark.rule("C8")
def test_contact_that_existed_is_left_alone(world: World) -> None:
    """Nor one that has anything proven, another external id, or another contact in it."""
    world.visitor().identify(email="other@x.test", source="prompt")
    world.upsert(external_id="jane")
    made_by_site = world.upsert(email="site@x.test").contact_id
    for email in ("other@x.test", "site@x.test"):
        browser, conversation, typed = lead(world, email)
        before = world.contact(str(typed.contact_id))
        proven = browser.identify(external_id="jane", signed="external_id")
        assert not proven.switched
        assert world.contact(before.id) == before
        assert link_of(world, conversation) == (proven.contact_id, Standing.PROVEN)
    assert before.id == made_by_site
    # Proven since by the site; and merged by an agent.
    browser, _, typed = lead(world, "later@x.test")
    world.upsert(email="later@x.test")
    browser.identify(external_id="jane", signed="external_id")
    assert world.contact(str(typed.contact_id)).merged_into is None
    browser, _, typed = lead(world, "agents@x.test")
    world.merge(str(typed.contact_id), str(world.visitor().identify(external_id="x").contact_id))
    browser.identify(external_id="jane", signed="external_id")
    assert world.contact(str(typed.contact_id)).merged_into is None


@pytest.mark.rule("C8", "H2")
@pytest.mark.parametrize("source", ["prompt", "page"])
@pytest.mark.parametrize("target", ["new", "claimed", "proven", "erased"])
def test_unproven_lead_moves_and_merges_nothing(world: World, target: str, source: str) -> None:
    if target == "claimed":
        world.visitor().identify(email="j2@x.test")
    elif target != "new":
        made = world.upsert(email="j2@x.test")
        if target == "erased":
            world.erase(str(made.contact_id))
    browser, conversation, typed = lead(world)
    orphan = browser.say().conversation.id
    moved = browser.identify(email="j2@x.test", source=source)
    told = (moved.switched, moved.session_token, moved.standing.public_label, moved.linked_conversations)
    assert told == (False, None, "claimed", 0)
    assert world.contact(str(typed.contact_id)).email == EMAIL
    if target != "erased":
        assert moved.contact_id != typed.contact_id
        for said in (conversation, orphan):
            assert link_of(world, said) == (moved.contact_id, moved.standing)
    # Again the first email: of a lead no switch; of a visitor whom the page has named it is one, for all targets.
    again = browser.identify(email=EMAIL)
    assert again.switched is (source == "page")


@pytest.mark.rule("C5", "C8")
def test_page_or_proof_ends_the_lead(world: World) -> None:
    browser = world.visitor()
    browser.identify(email=EMAIL)
    # What is typed later makes no lead of a session that the page has identified.
    browser.identify(email=EMAIL, source="prompt")
    assert browser.identify(external_id="joe", signed="external_id").switched
    browser, _, _ = lead(world)
    browser.identify(email=EMAIL)
    assert browser.identify(external_id="joe", signed="external_id").switched
    wrong = world.visitor().identify(email=EMAIL, source=["prompt"])
    assert [(fault.field, fault.reason) for fault in wrong.rejected] == [("source", "must be page or prompt")]


@pytest.mark.rule("L2")
def test_proof_raises_conversations_with_same_contact(world: World) -> None:
    """Also where the page had named the visitor, and only then."""
    browser = world.visitor()
    first = browser.identify(external_id="jane")
    said = browser.say().conversation.id
    assert link_of(world, said) == (first.contact_id, first.standing)
    stranger = world.visitor()
    stranger.identify(external_id="jane")
    theirs = stranger.say().conversation.id
    browser.identify(external_id="jane", signed="external_id")
    assert link_of(world, said) == (first.contact_id, Standing.PROVEN)
    # Another visitor's words are not the person's by this visitor's proof.
    assert link_of(world, theirs) == (first.contact_id, Standing.CLAIMED)
    # C1: what the survivor absorbs in this call is the same contact.
    typing = world.visitor()
    typing.identify(email="j@x.test")
    said = typing.say().conversation.id
    token = world.hullo.mint_token(world.app.app_key, external_id="jane", email="j@x.test")
    merged = typing.identify(token=token)
    assert not merged.switched
    assert link_of(world, said) == (first.contact_id, Standing.PROVEN)


@pytest.mark.rule("C8", "T1")
def test_hop_moves_leads_words_without_proof(world: World) -> None:
    """Another person may have opened the link: what was said before is not shown to its sender."""
    sender = world.visitor()
    sender.identify(external_id="mallory", signed="external_id")
    browser, conversation, typed = lead(world)
    arrived = browser.identify(identity_token=sender.token_for())
    assert (arrived.switched, arrived.standing) == (False, Standing.PROVEN)
    assert link_of(world, conversation) == (arrived.contact_id, Standing.CLAIMED)
    assert sender.conversations() == ()
    assert world.contact(str(typed.contact_id)).merged_into is None


@pytest.mark.rule("C5")
def test_switch_leaves_suggestion_on_both_contacts(world: World) -> None:
    browser = world.visitor()
    jane = str(browser.identify(external_id="jane", signed="external_id").contact_id)
    joe = str(browser.identify(external_id="joe", signed="external_id").contact_id)
    visits = {}
    for contact, other in ((jane, joe), (joe, jane)):
        records = world.hullo.store.list_decisions(world.app.workspace_id, contact, PageRequest()).items
        visits[contact] = [step for record in records for step in record.trace.steps if step.stage == "visit"]
        assert [other in step.answer for step in visits[contact]] == [True]
    assert world.open_conflicts() == ()
