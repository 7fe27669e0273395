"""Rules G and L4: two contacts become one, and two again."""

from __future__ import annotations

import pytest

from hullo.api.export_schemas import build_export
from hullo.errors import Conflicting, NotFound
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.merge import RelatedCounts
from hullo.model.standing import Standing
from world import World


def shown(contact: Contact) -> dict[str, object]:
    """What is the person's, without when it was last touched."""
    return {
        "identifiers": contact.identifiers,
        "also": contact.also,
        "profile": contact.profile,
        "phones": contact.phones,
        "custom_data": {app_id: block for app_id, block in contact.custom_data.items() if block},
        "tags": contact.tags,
        "absorbed": contact.absorbed,
        "merged_into": contact.merged_into,
    }


@pytest.mark.rule("G1")
def test_merge_fills_blanks_and_keeps_survivors_values(world: World) -> None:
    anna = world.upsert(external_id="anna", name="Anna", custom_data={"plan": "pro"})
    bert = world.upsert(email="anna@example.com", name="A.", company="Acme", custom_data={"plan": "free", "seats": 3})
    answer = world.merge(anna.contact_id, bert.contact_id)
    one = world.contact(anna.contact_id)
    assert (one.external_id, one.email) == ("anna", "anna@example.com")
    assert {field: fact.value for field, fact in one.profile.items()} == {"name": "Anna", "company": "Acme"}
    assert world.custom_data(one.id) == {"plan": "pro", "seats": 3}
    assert {(clash.field, clash.kept, clash.lost) for clash in answer.clashes} == {
        ("name", "Anna", "A."),
        (f"custom_data.{world.app.app_id}.plan", "pro", "free"),
    }


@pytest.mark.rule("G1")
def test_proven_value_wins_over_survivors_claim(world: World) -> None:
    claimed = world.visitor().identify(email="anna@example.com", name="Nobody knows").contact_id
    proven = world.upsert(external_id="anna", name="Anna").contact_id
    world.merge(claimed, proven)
    assert world.contact(claimed).profile["name"].value == "Anna"
    assert world.contact(claimed).profile["name"].standing is Standing.PROVEN


@pytest.mark.rule("G1", "M1", "M2")
def test_survivor_is_found_by_all_identifiers(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com").contact_id
    ann = world.upsert(external_id="ann", email="ann@example.com").contact_id
    world.merge(anna, ann)
    assert world.upsert(external_id="ann").contact_id == anna
    assert world.upsert(email="Ann@Example.com").contact_id == anna
    one = world.contact(anna)
    assert (one.external_id, one.email) == ("anna", "anna@example.com")
    assert [fact.value for fact in one.also[EXTERNAL_ID]] == ["ann"]
    assert [fact.value for fact in one.also[EMAIL]] == ["ann@example.com"]


@pytest.mark.rule("G1", "W9")
def test_merged_account_login_changes_no_identifiers(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com").contact_id
    world.merge(anna, world.upsert(external_id="ann").contact_id)
    for external_id in ("ann", "anna", "ann"):
        assert not world.upsert(external_id=external_id).changed
    assert world.contact(anna).external_id == "anna"


@pytest.mark.rule("W1")
def test_second_email_named_by_site_becomes_primary(world: World) -> None:
    anna = world.upsert(external_id="anna", email="anna@example.com").contact_id
    world.merge(anna, world.upsert(email="ann@example.com").contact_id)
    world.upsert(external_id="anna", email="ann@example.com")
    one = world.contact(anna)
    assert one.email == "ann@example.com"
    assert [fact.value for fact in one.also[EMAIL]] == ["anna@example.com"]
    assert not world.upsert(external_id="anna", email="ann@example.com").changed


@pytest.mark.rule("L4", "G2")
def test_conversations_and_sessions_move_and_return(world: World) -> None:
    browser, other = world.visitor(), world.visitor()
    anna = other.identify(external_id="anna", signed="external_id").contact_id
    bert = browser.identify(external_id="bert", signed="external_id").contact_id
    early = browser.say("I am Bert").conversation
    merge = world.merge(anna, bert).merge
    assert browser.resume().session.contact_id == anna
    late = browser.say("and still here").conversation
    assert {each.id for each in other.conversations()} == {early.id, late.id}
    world.undo(merge.id)
    assert browser.resume().session.contact_id == bert
    find = world.hullo.store.find_conversation
    owners = {each: find(world.app.workspace_id, each) for each in (early.id, late.id)}
    assert {each: held.contact_id for each, held in owners.items() if held} == {early.id: bert, late.id: bert}
    assert other.conversations() == ()


@pytest.mark.rule("G2", "H1", "L4")
def test_sessions_joined_during_merge_return_on_undo(world: World) -> None:
    """Else the survivor would read on what a stranger says, with whom they were mistaken."""
    anna, bert = (world.upsert(external_id=each).contact_id for each in ("anna", "bert"))
    merge = world.merge(anna, bert).merge
    browser, annas = world.visitor(), world.visitor()
    assert browser.identify(external_id="bert", signed="external_id").contact_id == anna
    annas.identify(external_id="anna", signed="external_id")
    talk, own = browser.say("I am Bert").conversation, annas.say("I am Anna").conversation
    assert {each.id for each in annas.conversations()} == {talk.id, own.id}
    world.undo(merge.id)
    session = browser.resume().session
    assert (session.contact_id, session.standing) == (bert, Standing.PROVEN)
    assert [each.id for each in browser.conversations()] == [talk.id]
    assert [each.id for each in annas.conversations()] == [own.id]


@pytest.mark.rule("P2", "G2")
def test_erased_contact_leaves_nothing_in_former_merges(world: World) -> None:
    anna = world.upsert(external_id="anna").contact_id
    bert = world.upsert(email="bert@example.com", name="Bert Unmistakable", company="Acme").contact_id
    carl = world.upsert(external_id="carl").contact_id
    first, second = world.merge(anna, bert).merge, world.merge(anna, carl).merge
    for merge in (second, first):
        world.undo(merge.id)
    assert bert is not None
    world.erase(bert)
    for contact_id in (anna, carl):
        document = build_export(world.hullo.store, world.app.workspace_id, str(contact_id), world.clock())
        told = str(document)
        assert "bert@example.com" not in told
        assert "Unmistakable" not in told


@pytest.mark.rule("G1", "H2")
def test_contact_creator_does_not_own_merged_values(world: World) -> None:
    """Mallory claims an id before its owner does; the owner's token then makes one of the two."""
    mallory = world.visitor()
    squatted = mallory.identify(external_id="jane").contact_id
    world.visitor().identify(email="jane@example.com", company="Jane & Co", custom_data={"size": "M"})
    world.visitor().identify(email="jane@example.com", signed="email")
    token = world.hullo.mint_token(world.app.app_key, external_id="jane", email="jane@example.com")
    assert world.visitor().identify(token=token).contact_id == squatted
    before = world.contact(str(squatted))
    mallory.identify(external_id="jane", company="Mallory & Co", custom_data={"size": "XXL"})
    assert world.custom_data(before.id) == {"size": "M"}


@pytest.mark.rule("G2")
def test_undo_restores_both_contacts(world: World) -> None:
    other = world.hullo.create_app("Help")
    anna = world.upsert(external_id="anna", name="Anna", phone="+14155550100", custom_data={"plan": "pro"}).contact_id
    bert = world.upsert(email="bert@example.com", name="Bert", phone="+14155550199", company="Acme").contact_id
    world.visitor(other).identify(email="bert@example.com", custom_data={"n": 1})
    before = [shown(world.contact(each)) for each in (anna, bert)]
    merge = world.merge(anna, bert).merge
    assert [fact.value for fact in world.contact(anna).phones] == ["+14155550199"]
    assert world.custom_data(anna, other) == {"n": 1}
    undone = world.undo(merge.id)
    assert undone.changed_since == ()
    assert [shown(world.contact(each)) for each in (anna, bert)] == before


@pytest.mark.rule("G2")
def test_undo_keeps_and_reports_later_changes(world: World) -> None:
    anna = world.upsert(external_id="anna").contact_id
    bert = world.upsert(email="bert@example.com", company="Acme", name="Bert").contact_id
    merge = world.merge(anna, bert).merge
    world.upsert(external_id="anna", company="Globex")
    undone = world.undo(merge.id)
    assert [each.field for each in undone.changed_since] == ["company"]
    assert world.contact(anna).profile["company"].value == "Globex"
    assert "name" not in world.contact(anna).profile
    assert world.contact(bert).profile["company"].value == "Acme"


@pytest.mark.rule("G2")
def test_undo_takes_no_identifier_now_owned_elsewhere(world: World) -> None:
    anna = world.upsert(external_id="anna").contact_id
    bert = world.visitor().identify(email="bert@example.com").contact_id
    merge = world.merge(anna, bert).merge
    real = world.visitor().identify(email="bert@example.com", signed="email").contact_id
    assert real != anna
    undone = world.undo(merge.id)
    assert [(each.field, real in each.reason) for each in undone.changed_since] == [("email", True)]
    assert world.contact(bert).email is None
    assert world.contact(real).email == "bert@example.com"


@pytest.mark.rule("G2")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_merges_are_undone_in_any_order(world: World, order: tuple[int, int]) -> None:
    anna = world.upsert(external_id="anna").contact_id
    bert = world.upsert(email="bert@example.com", company="Acme").contact_id
    carl = world.upsert(email="carl@example.com", company="Globex", phone="+14155550100").contact_id
    before = {each: shown(world.contact(each)) for each in (anna, bert, carl)}
    merges = [world.merge(anna, each).merge for each in (bert, carl)]
    world.undo(merges[order[0]].id)
    left = {0: "Globex", 1: "Acme"}[order[0]]
    assert world.contact(anna).profile["company"].value == left
    world.undo(merges[order[1]].id)
    assert {each: shown(world.contact(each)) for each in (anna, bert, carl)} == before


@pytest.mark.rule("G2")
def test_merge_chain_is_undone_from_its_end(world: World) -> None:
    anna, bert, carl = (world.upsert(external_id=each, name=each).contact_id for each in ("anna", "bert", "carl"))
    before = {each: shown(world.contact(each)) for each in (anna, bert, carl)}
    first, second = world.merge(bert, anna).merge, world.merge(carl, bert).merge
    with pytest.raises(Conflicting, match="undo that merge first"):
        world.undo(first.id)
    world.undo(second.id)
    world.undo(first.id)
    assert {each: shown(world.contact(each)) for each in (anna, bert, carl)} == before


@pytest.mark.rule("G2")
def test_merge_is_undone_once(world: World) -> None:
    anna, bert = (world.upsert(external_id=each).contact_id for each in ("anna", "bert"))
    merge = world.merge(anna, bert).merge
    world.undo(merge.id)
    with pytest.raises(Conflicting, match="undone already"):
        world.undo(merge.id)


@pytest.mark.rule("G3")
def test_absorbed_id_leads_to_survivor_through_chains(world: World) -> None:
    anna, bert, carl = (world.upsert(external_id=each).contact_id for each in ("anna", "bert", "carl"))
    world.merge(bert, anna)
    world.merge(carl, bert)
    assert world.current(anna).id == world.current(bert).id == carl
    assert world.contact(anna).merged_into == bert
    assert [each.id for each in world.contacts()] == [carl]


@pytest.mark.rule("G4")
def test_contact_cannot_merge_with_itself(world: World) -> None:
    anna, bert = (world.upsert(external_id=each).contact_id for each in ("anna", "bert"))
    with pytest.raises(Conflicting, match="one contact already"):
        world.merge(anna, anna)
    world.merge(anna, bert)
    for pair in ((anna, bert), (bert, anna)):
        with pytest.raises(Conflicting, match="one contact already"):
            world.merge(*pair)


@pytest.mark.rule("G4")
def test_merge_across_workspaces_is_refused(world: World) -> None:
    anna = world.upsert(external_id="anna").contact_id
    elsewhere = world.hullo.create_app("Elsewhere", workspace="another")
    stranger = world.visitor(elsewhere).identify(external_id="anna").contact_id
    with pytest.raises(NotFound):
        world.merge(anna, stranger)


@pytest.mark.rule("G1")
def test_merge_preview_writes_nothing(world: World) -> None:
    anna, bert = (world.upsert(external_id=each, name=each).contact_id for each in ("anna", "bert"))
    before = {each: world.contact(each) for each in (anna, bert)}
    preview = world.merge(anna, bert, dry_run=True)
    assert [clash.field for clash in preview.clashes] == ["name", "external_id"]
    assert [fact.value for fact in preview.survivor.also[EXTERNAL_ID]] == ["bert"]
    assert {each: world.contact(each) for each in (anna, bert)} == before


@pytest.mark.rule("G1")
def test_very_large_merge_asks_for_confirmation(world: World) -> None:
    anna, bert = (world.upsert(external_id=each).contact_id for each in ("anna", "bert"))
    extent = RelatedCounts(people=1, conversations=10_001, sessions=0, events=0, notes=0)
    with pytest.raises(Conflicting, match="10001 conversations"):
        world.merge(anna, bert, related_counts=extent)
    world.merge(anna, bert, related_counts=extent, confirmed=True)


@pytest.mark.rule("G1", "G2")
def test_merge_and_undo_emit_events_in_timeline(world: World) -> None:
    from hullo.store.protocol import PageRequest

    anna = world.upsert(external_id="anna").contact_id
    bert = world.upsert(email="bert@example.com", company="Acme").contact_id
    world.undo(world.merge(anna, bert).merge.id)
    entries = world.hullo.store.list_timeline(world.app.workspace_id, anna, PageRequest()).items
    assert [entry.name for entry in entries] == ["contact.unmerged", "contact.merged", "contact.created"]
    # The names of fields alone: the values are somebody else's again.
    assert [(entry.data["fields"], entry.changes) for entry in entries[:2]] == [(["email", "company"], ())] * 2


@pytest.mark.rule("G1", "R1")
def test_absorbed_visitor_continues_as_the_survivor(world: World) -> None:
    browser = world.visitor()
    bert = browser.identify(email="bert@example.com").contact_id
    anna = world.upsert(external_id="anna").contact_id
    world.merge(anna, bert)
    again = browser.identify(email="bert@example.com")
    assert (again.contact_id, again.switched) == (anna, False)


@pytest.mark.rule("G2")
@pytest.mark.parametrize("server", [False, True])
def test_undo_gives_back_what_calls_about_the_other_wrote(world: World, server: bool) -> None:
    """New values go along as values that replaced others do; what named both or neither stays, and is told."""
    one, other = world.upsert(external_id="one", name="One").contact_id, world.upsert(external_id="other").contact_id
    browser = world.visitor()
    browser.identify(external_id="other", signed="external_id")
    merge = world.merge(one, other).merge
    said = {"external_id": "other", "name": "Other", "email": "other@example.com", "phone": "+14155550100"}
    if server:
        world.upsert(**said, custom_data={"size": "L"})
    else:
        browser.identify(signed="external_id", **said, custom_data={"size": "L"})
    world.upsert(external_id="one", company="Acme")
    undone = world.undo(merge.id)
    assert [changed.field for changed in undone.changed_since] == ["company"]
    first, second = world.contact(one), world.contact(other)
    assert (first.email, {name: fact.value for name, fact in first.profile.items()}) == (
        None,
        {"name": "One", "company": "Acme"},
    )
    assert (second.email, {name: fact.value for name, fact in second.profile.items()}) == (
        "other@example.com",
        {"name": "Other", "phone": "+14155550100"},
    )
    assert (world.custom_data(one), world.custom_data(other)) == ({}, {"size": "L"})
    again = world.visitor().identify(signed="external_id", external_id="other", email="other@example.com")
    assert (again.contact_id, again.conflicts) == (other, ())
