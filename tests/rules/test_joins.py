"""Rule J: records that are joined to a contact whose visitor only gave their email."""

from __future__ import annotations

import pytest

from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.fact import Fact
from hullo.model.merge import Merge
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.operations.contacts.email_phone_lists import ContactLists
from hullo.rules.merging.field_values import field_values
from hullo.store.protocol import PageRequest
from rules.test_names_and_tags import upserted
from rules.test_takeovers import patch
from world import Browser, World

EMAIL = "jane@example.com"


def login(world: World, external_id: str = "jane", email: str = EMAIL, browser: Browser | None = None) -> Outcome:
    """The page sends the id, a hash over it, and the email as a claim."""
    return (browser or world.visitor()).identify(external_id=external_id, email=email, signed="external_id")


def prove(world: World, external_id: str | None = None, email: str = EMAIL, browser: Browser | None = None) -> Outcome:
    """The site's server vouches for the email, and for the id where there is one."""
    token = world.hullo.mint_token(world.app.app_key, external_id=external_id, email=email)
    return (browser or world.visitor()).identify(token=token)


def crm(world: World, email: str = EMAIL) -> str:
    """The site had its customers in a CRM first."""
    return world.upsert(email=email, name="Jane Doe", company="Acme", custom_data={"plan": "gold"}).contact_id or ""


def begin(world: World, contact_id: str) -> Conversation:
    """An agent began to talk with somebody whom the site recorded."""
    visitor = world.visitor().join().session
    begun = Conversation(
        id="cnv_begun",
        workspace_id=world.app.workspace_id,
        app_id=world.app.app_id,
        visitor_id=visitor.visitor_id,
        created_at=world.clock(),
        last_message_at=world.clock(),
        contact_id=contact_id,
        link_standing=Standing.PROVEN,
    )
    world.hullo.store.apply([ChangeSet(conversations=(insertion(begun),))])
    return begun


def merge_of(world: World, contact_id: str) -> Merge:
    (merge,) = world.hullo.store.list_merges(world.app.workspace_id, contact_id, PageRequest()).items
    return merge


def values(contact: Contact) -> dict[str, object]:
    return {slot.name: fact.value for slot, fact in field_values(contact).items()}


def standings(contact: Contact) -> set[Standing]:
    facts: list[Fact] = [*field_values(contact).values(), *(fact for _, fact in contact.all_identifiers())]
    return {fact.standing for fact in facts if fact.joined_by is not None}


@pytest.mark.rule("C3", "J")
def test_login_after_crm_joins_record_as_claims(world: World) -> None:
    record = crm(world)
    browser = world.visitor()
    outcome = login(world, browser=browser)
    contact = world.contact(outcome.contact_id)
    assert (outcome.matched_by, outcome.conflicts) == ("created", ())
    assert (contact.external_id, contact.email) == ("jane", EMAIL)
    assert values(contact) == {"name": "Jane Doe", "company": "Acme", "plan": "gold"}
    assert standings(contact) == {Standing.CLAIMED}
    assert (world.contact(record).merged_into, world.conflicts(), len(world.contacts())) == (contact.id, [], 1)
    assert merge_of(world, record).joined_by is not None
    # W9: a page that repeats its call writes nothing.
    assert not login(world, browser=browser).changed


@pytest.mark.rule("C1", "J")
def test_known_contact_without_email_joins_record(world: World) -> None:
    known = world.upsert(external_id="jane").contact_id
    record = crm(world)
    assert login(world).contact_id == known
    assert world.contact(record).merged_into == known
    assert world.conflicts() == []


@pytest.mark.rule("C3", "C4", "J")
def test_unsigned_login_first_still_joins(world: World) -> None:
    record = crm(world)
    unsigned = world.visitor().identify(external_id="jane", email=EMAIL)
    assert unsigned.contact_id == record
    assert world.contact(record).external_id == "jane"
    signed = login(world)
    assert (world.contact(record).merged_into, world.contact(signed.contact_id).external_id) == (
        signed.contact_id,
        "jane",
    )
    assert (len(world.contacts()), world.conflicts()) == (1, [])


@pytest.mark.rule("J")
def test_record_after_login_is_joined_at_birth(world: World) -> None:
    contact_id = login(world).contact_id
    written = world.upsert(email=EMAIL, name="Jane Doe", custom_data={"plan": "gold"})
    assert (written.contact_id, written.matched_by) == (contact_id, "email")
    assert written.joined is not None
    assert written.joined.email == EMAIL
    contact = world.contact(contact_id)
    assert values(contact) == {"name": "Jane Doe", "plan": "gold"}
    assert standings(contact) == {Standing.CLAIMED}
    assert (len(world.contacts()), world.conflicts()) == (1, [])
    assert not world.upsert(email=EMAIL, name="Jane Doe", custom_data={"plan": "gold"}).changed
    world.upsert(email=EMAIL, company="Acme")
    (decision, *_) = world.hullo.store.list_decisions(world.app.workspace_id, contact_id or "", PageRequest()).items
    assert "an email that the visitor gave" in decision.trace.steps[-1].answer


@pytest.mark.rule("J")
def test_later_site_writes_follow_the_record(world: World) -> None:
    record = crm(world)
    mallory = login(world, "mallory")
    later = world.upsert(email=EMAIL, company="Globex", custom_data={"seats": 7})
    assert later.contact_id == mallory.contact_id
    assert values(world.contact(mallory.contact_id))["company"] == "Globex"
    jane = prove(world, "jane")
    assert jane.contact_id == record
    restored = world.contact(record)
    assert values(restored) == {"name": "Jane Doe", "company": "Globex", "plan": "gold", "seats": 7}
    assert {fact.standing for fact in field_values(restored).values()} == {Standing.PROVEN}
    assert (restored.external_id, restored.email) == ("jane", EMAIL)
    left = world.contact(mallory.contact_id)
    assert (left.email, values(left), left.absorbed) == (None, {}, 0)


@pytest.mark.rule("J")
@pytest.mark.parametrize("by", ["token", "server", "session"])
def test_proof_of_email_makes_ordinary_merge(world: World, by: str) -> None:
    record = crm(world)
    browser = world.visitor()
    contact_id = login(world, browser=browser).contact_id
    if by == "server":
        world.upsert(external_id="jane", email=EMAIL)
    else:
        prove(world, "jane" if by == "token" else None, browser=browser)
    contact = world.contact(contact_id)
    merge = merge_of(world, record)
    assert merge.joined_by is None
    assert {fact.standing for fact in field_values(contact).values()} == {Standing.PROVEN}
    assert contact.identifiers["email"].standing is Standing.PROVEN
    assert contact.profile["name"].by == world.api_key.writer
    assert world.contact(record).merged_into == contact_id
    world.undo(merge.id)
    assert (world.contact(record).email, world.contact(contact_id).email) == (EMAIL, None)


@pytest.mark.rule("J", "H1")
def test_joined_conversations_are_not_readable(world: World) -> None:
    record = crm(world)
    begun = begin(world, record)
    mallory = world.visitor()
    login(world, "mallory", browser=mallory)
    assert mallory.conversations() == ()
    held = world.hullo.store.find_conversation(world.app.workspace_id, begun.id)
    assert held is not None
    assert held.link_standing is Standing.CLAIMED
    jane = world.visitor()
    prove(world, "jane", browser=jane)
    assert [conversation.id for conversation in jane.conversations()] == [begun.id]


@pytest.mark.rule("J", "H1")
def test_confirmed_join_shows_conversations(world: World) -> None:
    begun = begin(world, crm(world))
    browser = world.visitor()
    login(world, browser=browser)
    prove(world, "jane", browser=browser)
    assert [conversation.id for conversation in browser.conversations()] == [begun.id]


@pytest.mark.rule("C3", "C4", "J")
def test_attested_email_is_joined_to_nobody(world: World) -> None:
    record = crm(world)
    prove(world)
    mallory = login(world, "mallory")
    assert world.contact(record).merged_into is None
    assert world.contact(mallory.contact_id).email is None
    assert world.conflicts() == [("C3", "email")]


@pytest.mark.rule("J", "C7")
def test_split_join_is_not_joined_again(world: World) -> None:
    record = crm(world)
    contact_id = login(world).contact_id
    world.undo(merge_of(world, record).id)
    assert (world.contact(record).email, world.contact(contact_id).email) == (EMAIL, None)
    login(world)
    assert world.contact(record).merged_into is None


@pytest.mark.rule("J")
def test_second_record_is_not_joined(world: World) -> None:
    crm(world)
    second = crm(world, "second@example.com")
    login(world)
    login(world, email="second@example.com")
    assert world.contact(second).merged_into is None
    assert world.conflicts() == [("C1", "email")]


@pytest.mark.rule("J")
@pytest.mark.parametrize(("mode", "standing"), [("trusted", Standing.PROVEN), ("proven", None)])
def test_app_decides_how_far_email_counts(world: World, mode: str, standing: Standing | None) -> None:
    world.set_app(email_match=mode)
    record = crm(world)
    browser = world.visitor()
    contact = world.contact(login(world, browser=browser).contact_id)
    fact = contact.identifiers.get("email")
    assert (fact.standing if fact is not None else None) is standing
    assert world.contact(record).merged_into == (contact.id if standing else None)
    assert world.conflicts() == ([] if standing else [("C3", "email")])
    assert not login(world, browser=browser).changed


@pytest.mark.rule("C4", "M2")
def test_site_names_the_owner_of_claimed_email(world: World) -> None:
    mallory = login(world, "mallory")
    jane = world.upsert(external_id="jane", email=EMAIL, name="Jane")
    assert jane.contact_id != mallory.contact_id
    assert (world.contact(jane.contact_id).email, world.contact(mallory.contact_id).email) == (EMAIL, None)


@pytest.mark.rule("M2", "C4")
def test_recorded_email_protects_claimed_external_id(world: World) -> None:
    """The site records the email of a contact that only claims its id: the one who proves the id gets none of it."""
    claimed = world.visitor().identify(external_id="mallory", email=EMAIL)
    assert world.upsert(email=EMAIL, custom_data={"plan": "gold"}).contact_id == claimed.contact_id
    mallory = world.visitor().identify(external_id="mallory", signed="external_id")
    assert mallory.contact_id != claimed.contact_id
    assert world.custom_data(mallory.contact_id) == {}


@pytest.mark.rule("W7")
def test_new_email_of_proven_visitor_becomes_primary(world: World) -> None:
    contact_id = world.upsert(external_id="jane", email=EMAIL).contact_id
    browser = world.visitor()
    login(world, email="new@example.com", browser=browser)
    contact = world.contact(contact_id)
    assert (contact.email, contact.identifiers["email"].standing) == ("new@example.com", Standing.CLAIMED)
    assert [(fact.value, fact.standing) for fact in contact.also["email"]] == [(EMAIL, Standing.PROVEN)]
    assert not login(world, email="new@example.com", browser=browser).changed
    prove(world, "jane", "newest@example.com")
    assert [fact.value for fact in world.contact(contact_id).also["email"]] == ["new@example.com", EMAIL]


@pytest.mark.rule("W9")
def test_first_proof_attests_recorded_identifier_once(world: World) -> None:
    contact_id = world.upsert(external_id="jane").contact_id
    browser = world.visitor()
    assert not world.contact(contact_id).identifiers["external_id"].is_attested
    browser.identify(external_id="jane", signed="external_id")
    assert world.contact(contact_id).identifiers["external_id"].is_attested
    assert not browser.identify(external_id="jane", signed="external_id").changed
    assert not world.upsert(external_id="jane").changed
    assert world.contact(contact_id).identifiers["external_id"].is_attested


@pytest.mark.rule("J")
@pytest.mark.parametrize(
    ("body", "is_confirmed"), [({"email": EMAIL}, True), ({"email": "other@example.com"}, None), ({}, False)]
)
def test_agent_settles_join_by_writing_emails(world: World, body: dict[str, object], is_confirmed: bool | None) -> None:
    """An agent writes the email, another one, or none."""
    record = crm(world)
    contact_id = login(world).contact_id or ""
    patch(world, contact_id, *([] if body else ["email"]), **body)
    merge = merge_of(world, record)
    assert (merge.joined_by is None, merge.is_active) == (is_confirmed is True, is_confirmed is not False)
    assert world.contact(record).email == (EMAIL if is_confirmed is False else None)
    assert values(world.contact(contact_id)).get("plan") == (None if is_confirmed is False else "gold")


@pytest.mark.rule("J")
def test_lists_about_claimed_email_stay_claims(world: World) -> None:
    contact_id = login(world, "mallory").contact_id
    upserted(world, ContactLists(emails=(EMAIL, "further@example.com"), phones=("+14155550100",)))
    contact = world.contact(contact_id)
    assert {fact.standing for fact in (contact.identifiers["email"], *contact.also["email"])} == {Standing.CLAIMED}
    assert contact.profile["phone"].standing is Standing.CLAIMED
    jane = prove(world, "jane")
    assert [fact.value for fact in world.contact(jane.contact_id).also["email"]] == ["further@example.com"]
    assert "phone" not in world.contact(contact_id).profile


@pytest.mark.rule("J", "C7")
def test_moved_email_takes_its_record_along(world: World) -> None:
    record = crm(world)
    login(world, "mallory")
    jane = login(world)
    (conflict,) = world.open_conflicts()
    assert conflict.contact_id == jane.contact_id
    world.settle(conflict, "move_email")
    assert world.current(record).id == jane.contact_id
    assert values(world.contact(jane.contact_id))["plan"] == "gold"
    assert world.contact(jane.contact_id).identifiers["email"].standing is Standing.PROVEN
