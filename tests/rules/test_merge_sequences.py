"""Any sequence of identifies, merges and undos: every value is accounted for, and undoing all restores who was who."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hullo.errors import Conflicting, HulloError, NoIdentifier
from hullo.hooks.entry_points import open_store
from hullo.model.contact import Contact
from hullo.model.fact import Fact
from hullo.model.merge import Merge
from hullo.rules.merging.field_values import field_values
from hullo.rules.phones import all_phones
from hullo.store.protocol import ConversationFilter, PageRequest
from rules_plugins import ByCard
from world import World

SEQUENCES = 2000
WHOLE = PageRequest(limit=200)

Step = tuple[Any, ...]

people = st.integers(0, 4)
values = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Bob"]),
        "company": st.sampled_from(["Acme", "Globex"]),
        "phone": st.sampled_from(["+14155550100", "+14155550199"]),
        "custom_data": st.fixed_dictionaries({}, optional={"plan": st.sampled_from(["pro", "free"]), "n": st.just(1)}),
    },
)
names = st.fixed_dictionaries(
    {},
    optional={
        "external_id": st.sampled_from(["a", "b", "c"]),
        "email": st.sampled_from(["x@example.com", "y@example.com", "z@example.com"]),
    },
)
merges = st.tuples(st.just("merge"), people, people)
undos = st.tuples(st.just("undo"), people)
identifies = st.tuples(
    st.just("identify"),
    st.sampled_from(["first", "second", "server"]),
    st.sampled_from([None, "external_id", "email"]),
    names,
    values,
)
talk = st.tuples(st.just("say"), st.sampled_from(["first", "second"]))


class Lives:
    """A few people, and all that happens to them."""

    def __init__(self) -> None:
        World.end()  # that of the example before
        self.world = World(open_store("memory:"), plugins=[ByCard])
        self.browsers = {"first": self.world.visitor(), "second": self.world.visitor()}
        self.born: dict[str, None] = {}
        self.merged: list[Merge] = []

    def do(self, step: Step) -> None:
        """One step; what is refused changes nothing."""
        verb, *rest = step
        try:
            getattr(self, f"_{verb}")(*rest)
        except (Conflicting, NoIdentifier):
            return
        self.born |= dict.fromkeys(each.id for each in self.world.contacts())
        # A record that is joined on a claim is born absorbed (J), and in no list.
        self.born |= dict.fromkeys(merge.absorbed_id for merge in self.merges())

    def undo_all(self) -> None:
        """As often as it takes: of a chain the last goes first."""
        while standing := [each for each in self.merges() if each.is_active]:
            before = len(standing)
            for merge in standing:
                self.do(("undo_one", merge))
            assert len([each for each in self.merges() if each.is_active]) < before, "no merge can be undone"

    def merges(self) -> Sequence[Merge]:
        """All there were, also those that a call has made by itself."""
        store, home = self.world.hullo.store, self.world.app.workspace_id
        found = {merge.id: merge for each in self.born for merge in store.list_merges(home, each, WHOLE).items}
        return [found[each] for each in sorted(found)]

    def contacts(self) -> dict[str, Contact]:
        return {each: self.world.contact(each) for each in self.born}

    def owners(self) -> dict[str, str | None]:
        """Whose each conversation is."""
        store, home = self.world.hullo.store, self.world.app.workspace_id
        return {
            each.id: each.contact_id
            for each in store.list_conversations(ConversationFilter(workspace_id=home), WHOLE).items
        }

    def _merge(self, survivor: int, absorbed: int) -> None:
        ids = list(self.born)
        if max(survivor, absorbed) < len(ids):
            self.world.merge(ids[survivor], ids[absorbed])

    def _undo(self, index: int) -> None:
        merges = self.merges()
        if index < len(merges):
            self.world.undo(merges[index].id)

    def _undo_one(self, merge: Merge) -> None:
        self.world.undo(merge.id)

    def _identify(self, who: str, signed: str | None, names: dict[str, Any], values: dict[str, Any]) -> None:
        body = {**names, **values}
        if who == "server":
            self.world.upsert(**body)
            return
        signs = signed if signed in names and not (signed == "email" and "external_id" in names) else None
        self.browsers[who].identify(signed=signs, **body)

    def _say(self, who: str) -> None:
        try:
            self.browsers[who].say()
        except HulloError:
            return


def facts_of(contact: Contact) -> set[tuple[str, str, Fact]]:
    """Every value with its place, names and phones too."""
    slots = {(slot.section, slot.field, fact) for slot, fact in field_values(contact).items()}
    listed = {("name", kind, fact) for kind, fact in contact.all_identifiers()}
    return slots | listed | {("phone", "phone", fact) for fact in all_phones(contact)}


def said(lives: Lives) -> set[tuple[str, str, object]]:
    """Every value that anybody has."""
    return {
        (home, field, fact.value) for contact in lives.contacts().values() for home, field, fact in facts_of(contact)
    }


def check_that_it_adds_up(lives: Lives) -> None:
    """What holds after every step."""
    contacts = lives.contacts()
    owners: dict[str, str] = {}
    for contact in contacts.values():
        current = lives.world.current(contact.id)
        if contact.merged_into is not None:
            assert not facts_of(contact)
            assert not contact.absorbed
        assert current.merged_into is None
        for digest in contact.identifier_digests():
            assert owners.setdefault(digest, contact.id) == contact.id
    for contact in contacts.values():
        absorbed = [each for each in contacts if each != contact.id and lives.world.current(each).id == contact.id]
        assert contact.absorbed == len(absorbed)
    for owner in lives.owners().values():
        assert owner is None or contacts[owner].merged_into is None


SPOKE_AS_TWO: list[Step] = [
    ("identify", "first", None, {"external_id": "a"}, {}),
    ("identify", "first", None, {"external_id": "b"}, {}),
    ("identify", "first", None, {"external_id": "a", "email": "x@example.com"}, {}),
    ("identify", "second", "external_id", {"external_id": "a", "email": "y@example.com"}, {}),
    ("identify", "first", None, {"email": "x@example.com"}, {}),
]
"""One visitor talks as one who claims an id, and as another after its owner has proven it."""


@pytest.mark.slow
@pytest.mark.rule("G1", "G2", "G3", "L4")
@example(beginnings=SPOKE_AS_TWO, steps=[("merge", 0, 2)])
@settings(max_examples=SEQUENCES // 2, deadline=None)
@given(
    st.lists(identifies, min_size=3, max_size=6),
    st.lists(st.one_of(merges, merges, undos), max_size=8),
)
def test_undoing_all_merges_restores_every_contact(beginnings: list[Step], steps: list[Step]) -> None:
    lives = Lives()
    for beginning in beginnings:
        lives.do(beginning)
        lives.do(("say", "first"))
    lives.undo_all()
    before = {each: facts_of(contact) for each, contact in lives.contacts().items()}
    primary = {each: contact.identifiers for each, contact in lives.contacts().items()}
    owners = lives.owners()
    for step in steps:
        lives.do(step)
        check_that_it_adds_up(lives)
    lives.undo_all()
    assert {each: facts_of(contact) for each, contact in lives.contacts().items()} == before
    assert {each: contact.identifiers for each, contact in lives.contacts().items()} == primary
    assert lives.owners() == owners


@pytest.mark.rule("G1", "G2", "C1", "C6", "R1")
@settings(max_examples=SEQUENCES // 2, deadline=None)
@given(st.lists(st.one_of(identifies, identifies, merges, undos, talk), min_size=2, max_size=14))
def test_random_steps_account_for_every_value(steps: list[Step]) -> None:
    lives = Lives()
    for step in steps:
        lives.do(step)
        check_that_it_adds_up(lives)
    before = said(lives)
    lives.undo_all()
    check_that_it_adds_up(lives)
    assert before <= said(lives)
    assert all(contact.merged_into is None and not contact.absorbed for contact in lives.contacts().values())
