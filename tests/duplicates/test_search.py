"""Who of a workspace may be there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from duplicates.somebody import HOME, a_store_of, somebody
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.testing.builders import a_workspace
from hullo_plugins.duplicates import blocks
from hullo_plugins.duplicates.compare import DuplicateSuggestion, compare
from hullo_plugins.duplicates.features import blocking_keys
from hullo_plugins.duplicates.search import MAX_BLOCK_SIZE, CommonValue, find_duplicates
from world import World

PHONE, OTHER_PHONE, IMPOSSIBLE = "+4930901820", "+4930901821", "+1234567890"

Told = set[tuple[frozenset[str], float, tuple[str, ...]]]


def told(suggestions: Iterable[DuplicateSuggestion]) -> Told:
    """Who with whom, how likely, and why; every pair once and nobody with themselves."""
    listed = [*suggestions]
    pairs = {frozenset({each.first.id, each.second.id}) for each in listed}
    assert len(pairs) == len(listed)
    assert all(len(pair) == 2 for pair in pairs)
    return {
        (frozenset({each.first.id, each.second.id}), each.score, tuple(reason.kind for reason in each.reasons))
        for each in listed
    }


def pairs_of(world: World) -> set[frozenset[str]]:
    (home,) = world.hullo.store.list_workspaces()
    return {pair for pair, *_ in told(find_duplicates(world.hullo.store, home).suggestions)}


def by_comparing_all_with_all(people: Sequence[Contact], most: int) -> Told:
    having = Counter(key for each in people for key in blocking_keys(each))
    pairs = (compare(one, other, lambda key: having[key] <= most) for one, other in combinations(people, 2))
    return told(each for each in pairs if each is not None)


def optional(*values: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, *values])


emails = st.builds(
    lambda name, domain: f"{name}@{domain}",
    st.sampled_from(
        [
            *("jane", "ja.ne", "jane+x", "jane1", "info", "test+1", "test+2", "test+3"),
            *("jonathan", "jonathon", "jon.athan", "jonathann", "jonahtan", "jonatha", "jonathan7"),
        ]
    ),
    st.sampled_from(["gmail.com", "gmial.com", "googlemail.com", "ymail.com", "acme.example", "acne.example"]),
)


@st.composite
def crowds(draw: st.DrawFn) -> list[Contact]:
    """People in an order of their own; no two of a workspace have the same email."""
    people: list[Contact] = []
    taken: set[str] = set()
    for number in draw(st.permutations(range(draw(st.integers(0, 9))))):
        theirs = [each for each in draw(st.lists(emails, max_size=2, unique=True)) if each not in taken]
        taken |= {*theirs}
        profile = {
            "name": draw(optional("Jane Doe", "DOE, Jane", "Jon")),
            "company": draw(optional("Acme", "Acme Inc")),
        }
        people.append(
            somebody(
                f"con_{number}",
                external_id=draw(st.sampled_from([None, f"u{number}"])),
                emails=theirs,
                phones=draw(st.lists(st.sampled_from([PHONE, OTHER_PHONE, IMPOSSIBLE]), max_size=2, unique=True)),
                **{field: value for field, value in profile.items() if value is not None},
            )
        )
    return people


@settings(max_examples=300, deadline=None)
@given(crowds(), st.sampled_from([1, 2, 3, MAX_BLOCK_SIZE]), st.sampled_from([1, 2, 200]))
@example([somebody(f"con_{number}", phones=[PHONE]) for number in range(4)], 3, 200)
def test_search_equals_full_comparison_in_any_order(people: list[Contact], most: int, at_once: int) -> None:
    found = find_duplicates(a_store_of(people), HOME, max_block_size=most, page_size=at_once)
    assert told(found.suggestions) == by_comparing_all_with_all(people, most)
    assert found.contact_count == len(people)


@settings(max_examples=100, deadline=None)
@given(crowds())
def test_colliding_block_keys_cost_only_comparisons(people: list[Contact]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_KEY", 3)
        found = find_duplicates(a_store_of(people), HOME, max_block_size=len(people) + 1)
        assert told(found.suggestions) == by_comparing_all_with_all(people, len(people) + 1)


@settings(max_examples=100, deadline=None)
@given(crowds(), st.randoms(use_true_random=False))
def test_contact_order_does_not_change_the_pairs(people: list[Contact], random: Any) -> None:
    ids = [each.id for each in people]
    random.shuffle(ids)
    again = [replace(each, id=id) for each, id in zip(people, ids, strict=True)]
    renamed = {each.id: after.id for each, after in zip(people, again, strict=True)}
    first, second = (told(find_duplicates(a_store_of(each), HOME).suggestions) for each in (people, again))
    assert {(frozenset(map(renamed.__getitem__, pair)), *rest) for pair, *rest in first} == second


def test_empty_workspace_has_no_pairs() -> None:
    found = find_duplicates(a_store_of([]), HOME)
    assert (found.contact_count, found.common_values, [*found.suggestions]) == (0, (), [])


def test_every_store_finds_pairs_and_stays_unchanged(world: World) -> None:
    jane = world.upsert(external_id="u1", email="jane.doe@acme.example", phone=PHONE)
    twice = world.upsert(email="janedoe@acme.example", phone=PHONE)
    world.upsert(email="joan@acme.example", phone=OTHER_PHONE)
    before = world.contacts(), world.audit()
    (home,) = world.hullo.store.list_workspaces()
    (suggestion,) = find_duplicates(world.hullo.store, home).suggestions
    assert {suggestion.first.id, suggestion.second.id} == {jane.contact_id, twice.contact_id}
    assert [reason.kind for reason in suggestion.reasons] == ["phone", "email"]
    assert (world.contacts(), world.audit()) == before


@pytest.mark.rule("G3")
def test_absorbed_contact_is_never_suggested(world: World) -> None:
    first, second, third = (world.upsert(external_id=each, phone=PHONE).contact_id for each in "abc")
    world.merge(first, second)
    assert pairs_of(world) == {frozenset({first, third})}


@pytest.mark.rule("C7")
def test_pair_with_unmerged_conflict_is_skipped(world: World) -> None:
    jane = world.upsert(external_id="u1", phone=PHONE).contact_id
    twice = world.upsert(external_id="u2", email="jane@acme.example", phone=PHONE).contact_id
    assert pairs_of(world) == {frozenset({jane, twice})}
    world.upsert(external_id="u1", email="jane@acme.example")
    (conflict,) = world.open_conflicts()
    assert pairs_of(world) == set()
    world.settle(conflict, "keep")
    assert pairs_of(world) == set()


def test_contacts_of_other_workspaces_are_not_compared() -> None:
    elsewhere = replace(somebody("con_2", phones=[PHONE]), workspace_id="ws_2")
    store = a_store_of([somebody("con_1", phones=[PHONE])])
    store.apply([ChangeSet(workspaces=(insertion(a_workspace("ws_2")),), contacts=(insertion(elsewhere),))])
    found = find_duplicates(store, HOME)
    assert (found.contact_count, [*found.suggestions]) == (1, [])


def test_contact_changed_since_reading_is_not_suggested(world: World) -> None:
    jane, twice, third = (world.upsert(external_id=each, phone=PHONE).contact_id for each in "abc")
    (home,) = world.hullo.store.list_workspaces()
    found = find_duplicates(world.hullo.store, home)
    world.erase(twice)
    world.upsert(external_id="c", phone=OTHER_PHONE)
    assert [*found.suggestions] == []
    assert {jane, third} == {each.id for each in world.contacts()}


def test_crowd_is_counted_but_suggests_no_pair() -> None:
    people = [somebody(f"con_{number:03}", phones=[PHONE], emails=[f"test+{number}@me.com"]) for number in range(51)]
    twins = [somebody(f"con_x{number}", phones=[PHONE], name="Jane", company="Acme") for number in range(2)]
    found = find_duplicates(a_store_of([*people, *twins]), HOME)
    assert found.common_values == (
        CommonValue(kind="phone", value=PHONE, contact_count=53),
        CommonValue(kind="email", value="test@icloud.com", contact_count=51),
    )
    ((pair, _, why),) = told(found.suggestions)
    assert (pair, why) == ({"con_x0", "con_x1"}, ("name_and_company",))


def test_group_at_the_limit_is_no_crowd() -> None:
    found = find_duplicates(
        a_store_of([somebody(f"con_{number}", phones=[PHONE]) for number in range(MAX_BLOCK_SIZE)]), HOME
    )
    assert found.common_values == ()
    assert len([*found.suggestions]) == MAX_BLOCK_SIZE * (MAX_BLOCK_SIZE - 1) // 2


def test_invalid_phone_is_shared_by_no_contacts() -> None:
    found = find_duplicates(a_store_of([somebody(f"con_{each}", phones=[IMPOSSIBLE]) for each in range(60)]), HOME)
    assert (found.common_values, [*found.suggestions]) == ((), [])


def test_search_reports_its_progress() -> None:
    said: list[tuple[str, int, int]] = []
    people = [replace(somebody(f"con_{each}", phones=[PHONE]), created_at=HOME.created_at + each) for each in range(9)]
    found = find_duplicates(a_store_of(people), HOME, lambda *far: said.append(far))
    assert len([*found.suggestions]) == 36
    assert [*dict.fromkeys(doing for doing, *_ in said)] == [
        "reading contacts",
        "looking for what they have in common",
        "comparing",
    ]
    for doing in {doing for doing, *_ in said}:
        shares = [done / total for each, done, total in said if each == doing]
        assert shares == sorted(shares)
        assert shares[-1] == 1
