"""Sequences of calls by which one person might get hold of another's contact, and must not."""

from __future__ import annotations

import pytest

from hullo.hooks.hookspecs import hookimpl
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier
from hullo.model.standing import Standing
from hullo.operations.contacts.update import UpdateContact
from hullo.store.protocol import Store
from rules_plugins import ByCard
from world import World


def patch(world: World, contact_id: str, *cleared: str, **body: object) -> None:
    moment = world.hullo.new_context()
    world.hullo.executor.run(
        UpdateContact(
            contact_id=contact_id,
            workspace_id=world.app.workspace_id,
            writer="api-key:x",
            claim=Claim.from_body(body),
            cleared_kinds=frozenset(cleared),
            app_id=world.app.app_id,
            context=moment,
            request_id=moment.new_id("req"),
            hooks=world.hullo.hooks,
            limits=world.hullo.settings.limits,
        )
    )


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("ceo@straße.de", "ceo@strasse.de"), ("ceo@βόλος.com", "ceo@βόλοσ.com"), ("ceo@ﬁrma.de.evil", "ceo@firma.de")],
)
def test_domains_of_different_owners_are_different_mailboxes(world: World, mine: str, theirs: str) -> None:
    victim = world.upsert(email=theirs, name="Victim")
    world.visitor().identify(email=mine, name="Mallory", signed="email")
    assert world.contact(victim.contact_id).profile["name"].value == "Victim"


@pytest.mark.rule("M2")
def test_domain_equals_its_punycode_form(world: World) -> None:
    first = world.upsert(email="ceo@straße.de")
    assert world.upsert(email="ceo@xn--strae-oqa.de").contact_id == first.contact_id


@pytest.mark.rule("C4", "V2")
def test_claimed_identifier_beside_signed_one_grants_nothing(store: Store) -> None:
    """Mallory puts Jane's external id and card on his own contact; Jane comes signed, with her card beside it."""
    world = World(store, plugins=[ByCard])
    browser = world.visitor()
    mallory = browser.identify(email="mallory@example.com", signed="email")
    browser.identify(email="mallory@example.com", external_id="jane", custom_data={"card": "4711"})
    jane = world.visitor().identify(external_id="jane", custom_data={"card": "4711"}, name="Jane", signed="external_id")
    assert jane.contact_id != mallory.contact_id
    assert jane.standing is Standing.PROVEN
    assert "name" not in world.contact(mallory.contact_id).profile
    assert world.contact(mallory.contact_id).external_id is None


@pytest.mark.rule("C4", "V2")
def test_former_owner_of_identifier_is_not_matched(store: Store) -> None:
    """As before, but Jane is known by email, and nothing but the card leads back to Mallory."""
    world = World(store, plugins=[ByCard])
    browser = world.visitor()
    mallory = browser.identify(external_id="mallory", signed="external_id")
    browser.identify(external_id="mallory", email="jane@example.com", custom_data={"card": "4711"})
    jane = world.visitor().identify(email="jane@example.com", custom_data={"card": "4711"}, signed="email")
    assert jane.contact_id != mallory.contact_id
    assert jane.standing is Standing.PROVEN
    assert world.contact(mallory.contact_id).identifiers.keys() == {"external_id", "card"}


@pytest.mark.rule("M2", "V2")
def test_server_match_by_claimed_email_proves_nothing(world: World) -> None:
    jane = world.visitor().identify(external_id="jane", email="jane@example.com", signed="external_id")
    synced = world.upsert(email="jane@example.com", custom_data={"plan": "gold"})
    assert (synced.contact_id, synced.matched_by) == (jane.contact_id, "email")
    assert world.custom_data(jane.contact_id) == {"plan": "gold"}
    assert world.contact(jane.contact_id).identifiers["email"].standing is Standing.CLAIMED
    assert not world.upsert(email="jane@example.com", custom_data={"plan": "gold"}).changed


@pytest.mark.rule("C3", "C4")
def test_claimed_external_id_gives_way_to_the_sites(store: Store) -> None:
    world = World(store, plugins=[ByCard])
    jane = world.upsert(email="jane@example.com")
    mallory = world.visitor()
    mallory.identify(email="jane@example.com", custom_data={"card": "evil"})
    mallory.identify(email="jane@example.com", custom_data={"card": "evil"}, external_id="mallory")
    assert world.contact(jane.contact_id).identifiers["external_id"].standing is Standing.CLAIMED
    again = world.upsert(email="jane@example.com", external_id="jane")
    assert (again.contact_id, world.contact(jane.contact_id).external_id) == (jane.contact_id, "jane")


@pytest.mark.rule("S1", "H1")
def test_session_is_unproven_after_losing_proven_identifier(world: World) -> None:
    """An operator takes Mallory's external id away; what remains of his contact is Jane's email, which he claimed."""
    browser = world.visitor()
    mallory = browser.identify(external_id="mallory", email="jane@example.com", signed="external_id")
    patch(world, mallory.contact_id, "external_id")
    jane = world.visitor()
    landed = jane.identify(email="jane@example.com", signed="email")
    jane.say("My secret")
    assert landed.contact_id == mallory.contact_id
    assert browser.resume().session.standing is not Standing.PROVEN
    assert browser.conversations() == ()


@pytest.mark.rule("C4")
def test_squatted_external_id_splits_no_contact(world: World) -> None:
    jane = world.upsert(email="jane@example.com")
    browser = world.visitor()
    mallory = browser.identify(email="mallory@example.com", signed="email")
    browser.identify(email="mallory@example.com", external_id="jane")
    again = world.upsert(external_id="jane", email="jane@example.com")
    assert (again.contact_id, again.matched_by) == (jane.contact_id, "email")
    assert world.contact(jane.contact_id).external_id == "jane"
    assert world.contact(mallory.contact_id).external_id is None


@pytest.mark.rule("C4", "C7")
def test_lost_identifier_has_a_recorded_reason(world: World) -> None:
    from hullo.store.protocol import PageRequest

    mallory = world.visitor().identify(external_id="mallory", email="jane@example.com", signed="external_id")
    jane = world.visitor()
    outcome = jane.identify(email="jane@example.com", signed="email")
    page = world.hullo.store.list_decisions(world.app.workspace_id, mallory.contact_id, PageRequest())
    assert outcome.contact_id in page.items[0].trace.fields[0].reason
    assert ("contact.updated", mallory.contact_id) in [(event.name, event.contact_id) for event in jane.wrote.events]


@pytest.mark.rule("V3")
def test_unreadable_proof_fails_beside_valid_proof(world: World) -> None:
    from hullo.errors import ProofRejected

    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", signed="external_id", token="garbage")


@pytest.mark.rule("W4", "W10")
def test_claims_leave_room_for_server_values(world: World) -> None:
    jane = world.upsert(email="jane@example.com")
    mallory = world.visitor()
    for start in (0, 100, 200):
        mallory.identify(
            email="jane@example.com", custom_data={f"junk{number}": 1 for number in range(start, start + 100)}
        )
    world.upsert(email="jane@example.com", custom_data={"tier": "gold"})
    assert world.custom_data(jane.contact_id)["tier"] == "gold"


@pytest.mark.rule("M5", "W8")
@pytest.mark.parametrize("card", ["none", "", "0", "x" * 256])
def test_patch_keeps_no_junk_identifier(store: Store, card: str) -> None:
    from hullo.errors import Invalid

    world = World(store, plugins=[ByCard])
    contact_id = world.upsert(external_id="jane").contact_id
    if card:
        with pytest.raises(Invalid):
            patch(world, contact_id, custom_data={"card": card})
    else:
        patch(world, contact_id, custom_data={"card": card})
    assert "card" not in world.contact(contact_id).identifiers


@pytest.mark.rule("W5")
def test_patch_clears_email_that_is_no_identifier(store: Store) -> None:
    world = World(store, without=["email"])
    contact_id = world.upsert(external_id="jane", email="jane@example.com").contact_id
    patch(world, contact_id, "email")
    assert world.contact(contact_id).email is None


@pytest.mark.rule("W2", "W7")
def test_identifier_and_profile_field_are_judged_apart(store: Store) -> None:
    class ByPhone:
        name = "phone"

        @hookimpl
        def name_identifiers(self, claim: Claim) -> list[Identifier]:
            phone = claim.profile.get("phone")
            return [Identifier("phone", phone)] if phone else []

    world = World(store, plugins=[ByPhone])
    jane = world.upsert(external_id="jane", phone="+14155550100")
    world.visitor().identify(external_id="jane", phone="+14155550199", signed="external_id")
    contact = world.contact(jane.contact_id)
    assert contact.profile["phone"].value == "+14155550199"
    assert contact.identifiers["phone"].value == "+14155550100"


@pytest.mark.rule("M5")
def test_invisible_characters_are_no_identifier(world: World) -> None:
    outcome = world.visitor().identify(external_id="\u200b\u2060", email="jane@example.com")
    assert [rejection.field for rejection in outcome.rejected] == ["external_id"]


@pytest.mark.rule("W8")
def test_many_faults_give_a_bounded_list() -> None:
    claim = Claim.from_body({"email": "a@b", **{f"\x1bfield{number}": 1 for number in range(1000)}})
    assert len(claim.rejected) == 51
    assert all(rejection.field.isprintable() for rejection in claim.rejected)


@pytest.mark.rule("C4", "V2")
@pytest.mark.parametrize("server", [False, True])
def test_known_person_gets_email_that_another_claimed(world: World, server: bool) -> None:
    mallory = world.visitor().identify(external_id="mallory", email="jane@example.com", signed="external_id")
    jane = world.upsert(external_id="jane").contact_id
    if server:
        world.upsert(external_id="jane", email="jane@example.com")
    else:
        token = world.hullo.mint_token(world.app.app_key, external_id="jane", email="jane@example.com")
        world.visitor().identify(token=token)
    assert (world.contact(jane).email, world.contact(mallory.contact_id).email) == ("jane@example.com", None)
    assert world.conflicts() == [("C4", "email")]
