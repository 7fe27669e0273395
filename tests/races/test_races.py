"""Rules R: whatever happens at once. Real servers on one database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.serving import Server
from crowd import identify
from hullo.application import Hullo
from hullo.engine.retry import Job
from hullo.store.backoff import MAX_ATTEMPTS
from hullo.store.protocol import Store
from races.callers import Caller, new_app
from servers.private import PATIENCE
from world import World

ROUNDS = 5


@pytest.mark.slow
@pytest.mark.rule("R1", "R2")
def test_parallel_calls_to_two_servers_share_contact(url: str, serve: Callable[[str, int], list[Server]]) -> None:
    app = new_app(url)
    servers = serve(url, 2)
    together = threading.Barrier(64)

    def call(number: int) -> list[tuple[int, str | None]]:
        caller = Caller(servers[number % 2].url, app)
        answers: list[tuple[int, str | None]] = []
        for round_ in range(ROUNDS):
            together.wait(PATIENCE)
            status, answer = caller.identify(
                f"jane{round_}", email=f"jane{round_}@shop.example", custom_data={f"key{number}": number}
            )
            answers.append((status, answer.get("contact_id")))
        caller.close()
        return answers

    with ThreadPoolExecutor(64) as pool:
        rounds = list(zip(*pool.map(call, range(64)), strict=True))
    with Hullo(url) as hullo:
        for answers in rounds:
            assert {status for status, _ in answers} == {200}
            (contact_id,) = {contact_id for _, contact_id in answers}
            assert contact_id is not None
            contact = hullo.store.find_contact(app.workspace_id, contact_id)
            assert contact is not None
            assert {key: fact.value for key, fact in contact.custom_data[app.app_id].items()} == {
                f"key{number}": number for number in range(64)
            }


def test_shared_contact_writers_stay_below_retry_limit(store: Store) -> None:
    world = World(store)
    made = world.upsert(external_id="jane")
    together = threading.Barrier(8)

    def write(number: int) -> int:
        together.wait(PATIENCE)
        most = 0
        for step in range(10):
            unit = Job(identify(world, external_id="jane", custom_data={f"key{number}_{step}": step}))
            world.hullo.executor.run_batch([unit])
            assert not isinstance(unit.result, Exception), unit.result
            most = max(most, unit.conflict_count)
        return most

    with ThreadPoolExecutor(8) as pool:
        conflicts = list(pool.map(write, range(8)))
    assert max(conflicts) < MAX_ATTEMPTS / 4
    assert len(world.custom_data(made.contact_id)) == 80
    world.hullo.close()


def test_new_contact_writers_stay_below_retry_limit(store: Store) -> None:
    """Nobody can hold what is not there yet."""
    world = World(store)
    together = threading.Barrier(8)

    def write(number: int) -> int:
        most = 0
        for step in range(10):
            together.wait(PATIENCE)
            unit = Job(identify(world, external_id=f"jane{step}", custom_data={f"key{number}": step}))
            world.hullo.executor.run_batch([unit])
            assert not isinstance(unit.result, Exception), unit.result
            most = max(most, unit.conflict_count)
        return most

    with ThreadPoolExecutor(8) as pool:
        conflicts = list(pool.map(write, range(8)))
    assert max(conflicts) < MAX_ATTEMPTS / 2
    assert [len(world.custom_data(contact.id)) for contact in world.contacts()] == [8] * 10
    world.hullo.close()
