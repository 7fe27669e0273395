"""Who may be the person that one contact is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from duplicates.somebody import HOME, a_store_of, somebody
from duplicates.test_search import PHONE, crowds
from hullo.model.contact import Contact
from hullo_plugins.duplicates.for_contact import find_duplicates_of
from hullo_plugins.duplicates.search import MAX_BLOCK_SIZE, find_duplicates
from hullo_plugins.duplicates.spellings import email_variants
from world import World


def ids_around(contact: Contact, *others: Contact) -> list[str]:
    """Whom it is suggested with, the likeliest first."""
    found = find_duplicates_of(a_store_of([contact, *others]), contact)
    assert all(contact in (each.first, each.second) for each in found)
    return [each.second.id if each.first == contact else each.first.id for each in found]


def test_duplicates_rank_by_score_for_each_reason() -> None:
    jane = somebody("con_1", phones=[PHONE], emails=["jane@gmail.com"], name="Jane Doe", company="Acme Inc")
    others = [
        somebody("con_2", phones=[PHONE]),
        somebody("con_3", name="JANE DOE", company="Acme"),
        somebody("con_4", emails=["ja.ne@googlemail.com"]),
        somebody("con_5", emails=["jane@gmial.com"]),
        somebody("con_6", phones=[PHONE], emails=["jane@gmil.com"]),
        somebody("con_7", emails=["joan@gmail.com"], name="Jane Doe", company="Globex"),
    ]
    assert ids_around(jane, *others) == ["con_6", "con_4", "con_2", "con_5", "con_3"]


def test_slip_in_a_long_name_is_found() -> None:
    jane = somebody("con_1", emails=["christina.doe@acme.example"])
    others = [
        somebody("con_2", emails=["christna.doe@acme.example"]),
        somebody("con_3", emails=["christinaddoe@acme.example"]),
        somebody("con_4", emails=["christina.doe@acne.example"]),
    ]
    assert ids_around(jane, *others) == ["con_4", "con_2", "con_3"]


def test_contact_without_data_has_no_duplicates() -> None:
    assert ids_around(somebody("con_1"), somebody("con_2")) == []


def test_value_shared_by_a_crowd_is_ignored() -> None:
    people = [somebody(f"con_{number}", phones=[PHONE]) for number in range(MAX_BLOCK_SIZE + 1)]
    assert len(ids_around(*people[:-1])) == MAX_BLOCK_SIZE - 1
    assert ids_around(*people) == []


@pytest.mark.rule("C7")
def test_kept_apart_and_merged_contacts_are_excluded(world: World) -> None:
    jane = world.upsert(external_id="u1", phone=PHONE).contact_id
    world.upsert(external_id="u2", email="jane@acme.example", phone=PHONE)
    third, fourth = (world.upsert(external_id=each, phone=PHONE).contact_id for each in ("u3", "u4"))
    world.upsert(external_id="u1", email="jane@acme.example")
    world.settle(world.open_conflicts()[0], "keep")
    world.merge(third, fourth)
    (suggestion,) = find_duplicates_of(world.hullo.store, world.contact(jane))
    assert {suggestion.first.id, suggestion.second.id} == {jane, third}


@settings(max_examples=150, deadline=None)
@given(crowds())
def test_duplicates_of_one_match_full_search(people: list[Contact]) -> None:
    store = a_store_of(people)
    everybody = [*find_duplicates(store, HOME).suggestions]
    for contact in people:
        theirs = [each for each in everybody if contact in (each.first, each.second)]
        assert all(each in theirs for each in find_duplicates_of(store, contact))


def test_email_spellings_are_bounded_and_skip_roles() -> None:
    assert 1_000 < len(set(email_variants("christina.doe@gmail.com"))) < 4_000
    assert len(set(email_variants("jd@acme.example"))) < 10
    assert [*email_variants("info@acme.example")] == []


@pytest.mark.rule("C5")
def test_shared_browser_is_a_weak_suggestion(world: World) -> None:
    browser = world.visitor()
    jane, joe = (str(browser.identify(external_id=name, signed="external_id").contact_id) for name in ("jane", "joe"))
    for contact in (jane, joe):
        [found] = find_duplicates_of(world.hullo.store, world.contact(contact))
        assert {found.first.id, found.second.id} == {jane, joe}
        assert [reason.kind for reason in found.reasons] == ["browser"]
        assert found.score < 0.2
    # A contact that is gone, or became part of the other, is suggested no more.
    world.merge(jane, joe)
    assert find_duplicates_of(world.hullo.store, world.contact(jane)) == ()
