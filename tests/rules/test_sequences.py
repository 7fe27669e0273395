"""Any sequence of calls, by anybody, about a few people who share names: what must hold after each."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hullo.errors import NoIdentifier
from hullo.hooks.entry_points import open_store
from hullo.model.standing import Standing
from rules_plugins import ByCard
from world import Browser, World

names = st.fixed_dictionaries(
    {},
    optional={
        "external_id": st.sampled_from(["a", "b"]),
        "email": st.sampled_from(["x@example.com", "y@example.com"]),
        "name": st.sampled_from(["Ann", "Bob", None]),
        "custom_data": st.fixed_dictionaries(
            {}, optional={"card": st.sampled_from([1, 2, None]), "n": st.integers(0, 2)}
        ),
    },
)
speakers = st.sampled_from(["first", "second", "server"])
signatures = st.sampled_from([None, None, "external_id", "email"])
calls = st.lists(st.tuples(speakers, signatures, names), min_size=1, max_size=10)


def spoken(world: World, browser: Browser, signed: str | None, body: dict[str, object]) -> None:
    signs = signed if signed in body and not (signed == "email" and "external_id" in body) else None
    browser.identify(signed=signs, **body)


@pytest.mark.slow
@pytest.mark.rule("C6", "R1", "W9")
@settings(max_examples=400, deadline=None)
@given(calls)
@example(  # a server whose external id was somebody's claim, and whose card still is theirs
    [
        ("first", "email", {"email": "y@example.com", "custom_data": {"card": 1}}),
        ("first", None, {"external_id": "a", "email": "y@example.com"}),
        ("server", None, {"external_id": "a", "name": "Ann", "custom_data": {"card": 1}}),
    ]
)
@example(  # a server that finds somebody by what they merely claim, and names an email beside it
    [
        ("first", "external_id", {"external_id": "a", "custom_data": {"card": 1}}),
        ("server", None, {"email": "x@example.com", "custom_data": {"card": 1}}),
    ]
)
def test_random_calls_keep_identifiers_unique_and_idempotent(
    calls: list[tuple[str, str | None, dict[str, object]]],
) -> None:
    World.end()  # that of the example before
    world = World(open_store("memory:"), plugins=[ByCard])
    browsers = {"first": world.visitor(), "second": world.visitor()}
    for speaker, signed, body in calls:
        try:
            if speaker == "server":
                world.upsert(**body)
                assert not world.upsert(**body).changed
            else:
                spoken(world, browsers[speaker], signed, body)
                spoken(world, browsers[speaker], signed, body)
                assert browsers[speaker].wrote.is_empty, (speaker, signed, body)
        except NoIdentifier:
            continue
        owners: dict[str, str] = {}
        for contact in world.contacts():
            for digest in contact.identifier_digests():
                assert owners.setdefault(digest, contact.id) == contact.id
        for browser in browsers.values():
            if browser.token is None:
                continue
            session = browser.resume().session
            if session.standing is Standing.PROVEN:
                assert session.contact_id is not None
                held = world.contact(session.contact_id).identifier_digests()
                assert not held.keys().isdisjoint(session.proven_identifiers)
