"""Rule C9: conflicts of one rule, resolved at once."""

from __future__ import annotations

import pytest

from hullo.engine.conflict_resolution import BulkResolution, ResolveAll
from hullo.store.protocol import ConflictFilter, PageRequest
from world import AGENT, World

PEOPLE = 60
"""More than a batch."""


def people_twice(world: World) -> None:
    """A CRM, logins that an app which joins nothing kept apart, and one conflict of another rule."""
    world.set_app(email_match="proven")
    for number in range(PEOPLE):
        world.upsert(email=f"{number}@example.com", name=f"Person {number}")
        world.visitor().identify(external_id=f"u{number}", email=f"{number}@example.com", signed="external_id")
    world.upsert(external_id="has one", email="own@example.com")
    world.upsert(external_id="u0", email="own@example.com")


def resolve(world: World, action: BulkResolution, *, dry_run: bool = False) -> int:
    work = ResolveAll(workspace_id=world.app.workspace_id, action=action, writer=AGENT, rule="C3")
    return work.run(world.hullo.executor, world.hullo.new_context, dry_run=dry_run)


@pytest.mark.rule("C9", "C7")
@pytest.mark.parametrize("action", ["merge", "keep"])
def test_conflicts_of_one_rule_resolve_at_once(world: World, action: BulkResolution) -> None:
    people_twice(world)
    assert resolve(world, action, dry_run=True) == PEOPLE
    assert len(world.conflicts()) == PEOPLE + 1
    assert resolve(world, action) == PEOPLE
    assert world.conflicts() == [("C2", "email")]
    assert len(world.contacts()) == PEOPLE * (1 if action == "merge" else 2) + 1
    assert resolve(world, action) == 0


@pytest.mark.rule("C9")
def test_repeated_conflict_shows_on_both_contacts(world: World) -> None:
    world.set_app(email_match="proven")
    record = world.upsert(email="jane@example.com").contact_id
    for _ in range(2):
        contact = world.visitor().identify(external_id="jane", email="jane@example.com", signed="external_id")
    for contact_id in (record, contact.contact_id):
        criteria = ConflictFilter(workspace_id=world.app.workspace_id, contact_id=contact_id)
        (conflict,) = world.hullo.store.list_conflicts(criteria, PageRequest()).items
        assert (conflict.rule, conflict.status) == ("C3", "open")
