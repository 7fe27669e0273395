"""Who may be the person that one contact is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from hullo.model.contact import Contact
from hullo.pipeline.duplicates.around import find_duplicates_of
from hullo.pipeline.duplicates.finding import MAX_BLOCK_SIZE, find_duplicates
from hullo.pipeline.duplicates.spellings import email_variants
from pipeline.duplicates.somebody import HOME, a_store_of, somebody
from pipeline.duplicates.test_finding import PHONE, crowds
from world import World


def ids_around(contact: Contact, *others: Contact) -> list[str]:
    """Whom it is suggested with, the likeliest first."""
    found = find_duplicates_of(a_store_of([contact, *others]), contact)
    assert all(contact in (each.first, each.second) for each in found)
    return [each.second.id if each.first == contact else each.first.id for each in found]


def test_they_are_found_by_each_reason_and_the_likeliest_come_first() -> None:
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


def test_a_slip_in_a_long_name_is_found_too() -> None:
    jane = somebody("con_1", emails=["christina.doe@acme.example"])
    others = [
        somebody("con_2", emails=["christna.doe@acme.example"]),
        somebody("con_3", emails=["christinaddoe@acme.example"]),
        somebody("con_4", emails=["christina.doe@acne.example"]),
    ]
    assert ids_around(jane, *others) == ["con_4", "con_2", "con_3"]


def test_somebody_of_whom_nothing_is_known_is_like_nobody() -> None:
    assert ids_around(somebody("con_1"), somebody("con_2")) == []


def test_what_too_many_share_says_nothing() -> None:
    people = [somebody(f"con_{number}", phones=[PHONE]) for number in range(MAX_BLOCK_SIZE + 1)]
    assert len(ids_around(*people[:-1])) == MAX_BLOCK_SIZE - 1
    assert ids_around(*people) == []


@pytest.mark.rule("C7")
def test_those_who_were_kept_apart_and_those_who_are_one_already_are_left_out(world: World) -> None:
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
def test_whoever_is_found_is_found_by_reading_everybody_with_the_same_reasons(people: list[Contact]) -> None:
    store = a_store_of(people)
    everybody = [*find_duplicates(store, HOME).suggestions]
    for contact in people:
        theirs = [each for each in everybody if contact in (each.first, each.second)]
        assert all(each in theirs for each in find_duplicates_of(store, contact))


def test_spellings_are_some_thousands_at_most_and_none_of_a_role() -> None:
    assert 1_000 < len(set(email_variants("christina.doe@gmail.com"))) < 4_000
    assert len(set(email_variants("jd@acme.example"))) < 10
    assert [*email_variants("info@acme.example")] == []
