"""Merges, undos and identifies of the same few people at once, from several processes' worth of threads."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from hullo.errors import Conflicting
from hullo.store.protocol import ConversationFilter, PageRequest, Store
from servers.private import PATIENCE
from world import World

CALLERS = 6
STEPS = 15
NAMES = ("anna", "bert", "carl")
WHOLE = PageRequest(limit=200)


def identify(world: World, name: str, other: str) -> None:
    """Proven by the site: both names are one person's, where the email is nobody's who has an id."""
    token = world.hullo.mint_token(world.app.app_key, external_id=name, email=f"{other}@example.com")
    browser = world.visitor()
    browser.identify(token=token, custom_data={name: 1})
    browser.say()


def merge(world: World, name: str, other: str) -> None:
    ids = {each.external_id or each.email: each.id for each in world.contacts()}
    found = [ids[key] for key in (name, f"{other}@example.com", other) if key in ids]
    if len(found) > 1:
        world.merge(found[0], found[1])


def undo(world: World, name: str, other: str) -> None:
    store, home = world.hullo.store, world.app.workspace_id
    for contact in world.contacts():
        if contact.external_id == name:
            standing = [each for each in store.list_merges(home, contact.id, WHOLE).items if each.is_active]
            if standing:
                world.undo(standing[0].id)
            return


@pytest.mark.slow
@pytest.mark.rule("R1", "R3", "G2", "G3")
def test_concurrent_merges_leave_each_person_exactly_once(store: Store) -> None:
    world = World(store)
    for name in NAMES:
        world.visitor().identify(email=f"{name}@example.com", company=name)
    together = threading.Barrier(CALLERS)

    def live(number: int) -> list[Exception]:
        chosen, failed = random.Random(number), list[Exception]()
        deeds: list[Callable[[World, str, str], None]] = [identify, identify, merge, undo]
        together.wait(PATIENCE)
        for _ in range(STEPS):
            deed = partial(chosen.choice(deeds), world, chosen.choice(NAMES), chosen.choice(NAMES))
            try:
                deed()
            except Conflicting:
                continue  # somebody else was first, and it is said
            except Exception as error:
                failed.append(error)
        return failed

    with ThreadPoolExecutor(CALLERS) as pool:
        assert [error for failed in pool.map(live, range(CALLERS)) for error in failed] == []
    home = world.app.workspace_id
    alive = {contact.id: contact for contact in world.contacts()}
    owners: dict[str, str] = {}
    for contact in alive.values():
        for digest in contact.identifier_digests():
            assert owners.setdefault(digest, contact.id) == contact.id
        for each in store.list_merges(home, contact.id, WHOLE).items:
            if each.is_active:
                assert world.current(each.absorbed_id).id == world.current(each.survivor_id).id == contact.id
    for talk in store.list_conversations(ConversationFilter(workspace_id=home), WHOLE).items:
        assert talk.contact_id in alive
    for name in NAMES:
        assert world.upsert(external_id=name).matched_by in {"external_id", "created"}
        assert world.upsert(email=f"{name}@example.com").matched_by == "email"
