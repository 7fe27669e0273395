"""Any sequence of claims, proofs and site writes about two emails: nothing of a record is ever more than claimed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hullo.hooks.entry_points import open_store
from hullo.model.contact import Contact
from hullo.model.standing import Standing
from hullo.rules.merging.field_values import field_values
from hullo.store.protocol import PageRequest
from world import Browser, World

EMAILS = {"ann": "ann@example.com", "bob": "bob@example.com"}
"""Whose email each is."""

Step = tuple[Any, ...]

who, email = st.sampled_from(["ann", "bob", "mallory"]), st.sampled_from(list(EMAILS.values()))
steps = st.one_of(
    st.tuples(st.just("login"), who, email),  # signed id, said email
    st.tuples(st.just("claim"), who, email),  # nothing signed
    st.tuples(st.just("prove"), st.sampled_from(list(EMAILS)), st.booleans()),  # a token for one's own email
    st.tuples(st.just("write"), email),  # the site's server, by the email alone
    st.tuples(st.just("record"), st.sampled_from(list(EMAILS))),  # the site's server, by id and email
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


class Lives:
    """Two people, one attacker, and the site."""

    def __init__(self) -> None:
        World.end()  # that of the example before
        self.world = World(open_store("memory:"))
        self.browsers: dict[str, Browser] = {name: self.world.visitor() for name in ("ann", "bob", "mallory")}
        self.written: dict[str, int] = {}
        self.count = 0

    def login(self, name: str, email: str) -> None:
        body = {"external_id": name, "email": email}
        for _ in range(2):
            self.browsers[name].identify(signed="external_id", **body)
        assert self.browsers[name].wrote.is_empty

    def claim(self, name: str, email: str) -> None:
        self.world.visitor().identify(external_id=name, email=email, name="claimed")

    def prove(self, name: str, with_id: bool) -> None:
        token = {"email": EMAILS[name], **({"external_id": name} if with_id else {})}
        self.browsers[name].identify(token=self.world.hullo.mint_token(self.world.app.app_key, **token))

    def write(self, email: str) -> None:
        self.count += 1
        body = {"email": email, "custom_data": {"plan": self.count}}
        self.world.upsert(**body)
        self.written[email] = self.count
        assert not self.world.upsert(**body).changed

    def record(self, name: str) -> None:
        self.world.upsert(external_id=name, email=EMAILS[name])
        assert not self.world.upsert(external_id=name, email=EMAILS[name]).changed

    def undo(self, index: int) -> None:
        store, home = self.world.hullo.store, self.world.app.workspace_id
        merges = {
            merge.id: merge
            for contact in self.world.contacts()
            for merge in store.list_merges(home, contact.id, PageRequest(limit=200)).items
            if merge.joined_by is not None and merge.is_active
        }
        if index < len(merges):
            self.world.undo(sorted(merges)[index])

    def of(self, external_id: str) -> Contact | None:
        contacts = [contact for contact in self.world.contacts() if contact.external_id == external_id]
        assert len(contacts) <= 1
        return contacts[0] if contacts else None

    def check(self) -> None:
        """What holds after every step."""
        mallory = self.of("mallory")
        for contact in self.world.contacts():
            marks = {fact.joined_by for fact in field_values(contact).values() if fact.joined_by is not None}
            assert marks <= {fact.joined_by for _, fact in contact.all_identifiers()}, "a value outlived its join"
            facts = [*field_values(contact).values(), *(fact for _, fact in contact.all_identifiers())]
            assert all(fact.standing is Standing.CLAIMED for fact in facts if fact.joined_by is not None)
        if mallory is not None and mallory.identifiers["external_id"].standing is Standing.PROVEN:
            others = [fact for kind, fact in mallory.all_identifiers() if kind == "email"]
            plan = mallory.custom_data.get(self.world.app.app_id, {}).get("plan")
            assert all(fact.standing < Standing.PROVEN for fact in (*others, *([plan] if plan else ())))


@pytest.mark.slow
@pytest.mark.rule("J", "C1", "C3", "C4", "W9")
@settings(max_examples=600, deadline=None)
@given(st.lists(steps, min_size=2, max_size=12))
@example([("write", "ann@example.com"), ("login", "mallory", "ann@example.com"), ("prove", "ann", False)])
def test_no_sequence_proves_a_joined_value(sequence: list[Step]) -> None:
    lives = Lives()
    for verb, *rest in sequence:
        getattr(lives, verb)(*rest)
        lives.check()
    # In the end each proves their email, and has the last that the site wrote about it.
    for name, email in EMAILS.items():
        lives.prove(name, True)
        lives.check()
        contact = next(known for known in lives.world.contacts() if known.email == email)
        if email in lives.written:
            plan = contact.custom_data[lives.world.app.app_id]["plan"]
            assert (plan.value, plan.standing) == (lives.written[email], Standing.PROVEN)
