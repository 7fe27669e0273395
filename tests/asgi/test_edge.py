"""Threads: who waits for whom, and what happens to those who leave."""

from __future__ import annotations

import threading

import anyio
import pytest
from anyio import to_thread
from httpx2 import ASGITransport, AsyncClient

from hullo import Hullo, IdentityMiddleware, ProofRejected, hookimpl
from hullo.api.runtime import AsyncRuntime
from hullo.operations.sessions.open_session import OpenSession

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(backend):
    return backend


def _client(hullo):
    return AsyncClient(transport=ASGITransport(IdentityMiddleware(None, hullo)), base_url="http://shop.test")


class Gate:
    """A plugin that waits for another system, which answers when the test says so."""

    name = "gate"

    def __init__(self):
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self):
        self.reached.set()
        assert self.opened.wait(10)


class SlowVerifier(Gate):
    @hookimpl
    def verify_claim(self, claim, app, now):
        if claim.external_id == "slow":
            self.wait()
            raise ProofRejected("the other system says no")
        return None


class SlowObserver(Gate):
    @hookimpl
    def identified(self, outcome):
        self.wait()


class SlowListener(Gate):
    @hookimpl
    def event_committed(self, event):
        self.wait()


@pytest.mark.parametrize("plugin", [SlowVerifier, SlowObserver])
async def test_slow_plugin_delays_only_its_caller(plugin):
    gate = plugin()
    hullo = Hullo("memory:", plugins=[gate])
    app_key = (await to_thread.run_sync(hullo.create_app, "Shop")).app_key
    statuses = []
    async with _client(hullo) as client:

        async def slow():
            body = {"app_key": app_key, "external_id": "slow"}
            statuses.append((await client.post("/hullo/v1/identify", json=body)).status_code)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(slow)
                await to_thread.run_sync(gate.reached.wait, 10)
                for _ in range(3):
                    joined = await client.post("/hullo/v1/join", json={"app_key": app_key})
                    assert joined.status_code == 200
                assert statuses == []
                gate.opened.set()
    assert statuses == [401 if plugin is SlowVerifier else 200]


@pytest.mark.rule("R4")
async def test_slow_event_listener_delays_no_caller():
    gate = SlowListener()
    hullo = Hullo("memory:", plugins=[gate])
    app_key = (await to_thread.run_sync(hullo.create_app, "Shop")).app_key
    async with _client(hullo) as client:
        with anyio.fail_after(10):
            for name in ("jane", "joe", "ann"):
                answer = await client.post("/hullo/v1/identify", json={"app_key": app_key, "external_id": name})
                assert answer.status_code == 200
            await to_thread.run_sync(gate.reached.wait, 10)
            assert not gate.opened.is_set()
            gate.opened.set()
    await to_thread.run_sync(hullo.close)


@pytest.mark.rule("R1")
async def test_parallel_calls_succeed_with_one_contact(tmp_path):
    hullo = Hullo(f"sqlite:///{tmp_path}/hullo.db")
    made = await to_thread.run_sync(hullo.create_app, "Shop")
    key = (await to_thread.run_sync(hullo.create_api_key)).secret
    statuses = []
    async with _client(hullo) as client:

        async def identify():
            body = {"app_key": made.app_key, "email": "jane@example.com"}
            statuses.append((await client.post("/hullo/v1/identify", json=body)).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(identify)
        found = await client.get("/hullo/v1/contacts", headers={"authorization": f"Bearer {key}"})
    await to_thread.run_sync(hullo.close)
    assert statuses == [200] * 100
    assert len(found.json()["items"]) == 1


@pytest.mark.rule("R4")
async def test_commit_is_reported_after_caller_left():
    told, reached, opened = [], threading.Event(), threading.Event()

    class Listener:
        name = "listener"

        @hookimpl
        def event_committed(self, event):
            told.append(event.name)

    hullo = Hullo("memory:", plugins=[Listener()])
    app_key = (await to_thread.run_sync(hullo.create_app, "Shop")).app_key
    edge = AsyncRuntime(hullo)
    apply = hullo.store.apply

    def slow_apply(changes):
        reached.set()
        assert opened.wait(10)
        return apply(changes)

    def attend(verb, session=None):
        return OpenSession(verb=verb, app_key=app_key, session_digest=session, origin=None, context=hullo.new_context())

    visit = await edge.run(attend("join"))
    hullo.store.apply = slow_apply
    left = anyio.Event()

    async def leave():
        try:
            await edge.run(attend("reset", visit.session.digest))
        finally:
            left.set()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(leave)
            await to_thread.run_sync(reached.wait, 10)
            group.cancel_scope.cancel()
            opened.set()
    assert left.is_set()
    await to_thread.run_sync(hullo.close)
    assert told == ["visitor.reset"]


async def test_refusal_reaches_only_its_caller():
    hullo = Hullo("memory:")
    app_key = (await to_thread.run_sync(hullo.create_app, "Shop")).app_key
    statuses = {}
    async with _client(hullo) as client:

        async def join(name, key):
            statuses[name] = (await client.post("/hullo/v1/join", json={"app_key": key})).status_code

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(join, number, app_key if number % 2 else "app_unknown")
    assert statuses == {number: 200 if number % 2 else 404 for number in range(20)}
