"""Merges, undos and erasures in batches beside identifies of the same people: nothing deadlocks, and all succeed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from peewee import PostgresqlDatabase

from hullo.engine.retry import Job
from hullo.errors import Conflicting, NotFound
from hullo.model.claim import Claim
from hullo.model.operation import Operation
from hullo.operations.contacts.merge import MergeContacts
from hullo.operations.contacts.undo_merge import UndoMerge, decisions_since
from hullo.operations.privacy.erase import EraseContact
from hullo.store.protocol import PageRequest, Store
from hullo_stores.peewee.store import PeeweeStore
from servers.private import PATIENCE
from world import AGENT, World

CALLERS = 8
SECONDS = 4.0
IDENTIFIES = 3
NAMES = ("anna", "bert", "carl")
WHOLE = PageRequest(limit=200)

Plan = Callable[[World, random.Random], Operation[object] | None]


def identify(world: World, chosen: random.Random) -> Operation[object]:
    hullo, name = world.hullo, chosen.choice(NAMES)
    email = f"{chosen.choice(NAMES)}@example.com"
    token = hullo.mint_token(world.app.app_key, external_id=name, email=email)
    body = {"token": token, "custom_data": {name: chosen.random()}}
    claim = Claim.from_body(body, hullo.settings.limits)
    return hullo.identify_operation(claim, app_key=world.app.app_key, session_digest=None, context=hullo.new_context())


def merge(world: World, chosen: random.Random) -> Operation[object] | None:
    people = world.contacts()
    if len(people) < 2:
        return None
    survivor, absorbed = chosen.sample(people, 2)
    moment = world.hullo.new_context()
    return MergeContacts(
        survivor_id=survivor.id,
        absorbed_id=absorbed.id,
        workspace_id=world.app.workspace_id,
        writer=AGENT,
        context=moment,
        request_id=moment.new_id("req"),
    )


def undo(world: World, chosen: random.Random) -> Operation[object] | None:
    store = world.hullo.store
    for contact in chosen.sample(people := world.contacts(), len(people)):
        for found in store.list_merges(world.app.workspace_id, contact.id, WHOLE).items:
            if found.is_active:
                moment = world.hullo.new_context()
                return UndoMerge(
                    merge=found,
                    writer=AGENT,
                    context=moment,
                    request_id=moment.new_id("req"),
                    decisions=decisions_since(store, found),
                )
    return None


def erase(world: World, chosen: random.Random) -> Operation[object] | None:
    people = world.contacts()
    if not people:
        return None
    return EraseContact.for_contact(
        world.hullo.store,
        world.app.workspace_id,
        chosen.choice(people).id,
        conversations="erase",
        by=AGENT,
        context=world.hullo.new_context(),
    )


def deadlocks(store: Store) -> int:
    """As PostgreSQL has counted them in this database; 0 on other engines. Closes the store."""
    assert isinstance(store, PeeweeStore)
    database = store._engine.database
    store.close()  # a connection reports what it has counted when it ends
    if not isinstance(database, PostgresqlDatabase):
        return 0
    here = "datname = current_database()"
    others = (
        f"SELECT 1 FROM pg_stat_activity WHERE {here} AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(dbname=database.database, autocommit=True, **database.connect_params) as connection:
        deadline = time.monotonic() + PATIENCE
        while len(connection.execute(others).fetchall()) > 1:  # one is the suite's, which empties the database
            assert time.monotonic() < deadline
            time.sleep(0.01)
        row = connection.execute(f"SELECT deadlocks FROM pg_stat_database WHERE {here}").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.slow
@pytest.mark.rule("R1", "R3")
@pytest.mark.parametrize("store", ["sqlite", "postgresql", "mysql"], indirect=True)
def test_audited_batches_beside_identifies_never_deadlock(store: Store) -> None:
    before = deadlocks(store)
    store.open()
    world = World(store)
    plans: list[Plan] = [merge, undo, erase]
    together = threading.Barrier(CALLERS)

    def live(number: int) -> tuple[int, list[Exception]]:
        chosen, failed, done = random.Random(number), list[Exception](), 0
        together.wait(PATIENCE)
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            work = [identify(world, chosen) for _ in range(IDENTIFIES)]
            try:
                audited = chosen.choice(plans)(world, chosen)
            except (Conflicting, NotFound):
                audited = None  # another caller was first
            jobs = [Job(operation) for operation in (*work[:1], *([audited] if audited else []), *work[1:])]
            world.hullo.executor.run_batch(jobs)
            done += len(jobs)
            failed += [
                job.result
                for job in jobs
                if isinstance(job.result, Exception) and not isinstance(job.result, Conflicting | NotFound)
            ]
        return done, failed

    with ThreadPoolExecutor(CALLERS) as pool:
        lives = list(pool.map(live, range(CALLERS)))
    assert [error for _, failed in lives for error in failed] == []
    World.end()
    assert deadlocks(store) == before
