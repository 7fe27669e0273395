"""Many callers at once, who are served in one way or another."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import anyio
from anyio import to_thread
from callers import Bench
from handwritten.calls import Asked, identify_on_loop, names_of
from msgspec.structs import replace
from people import the_application

from hullo.engine.app_cache import AppCache
from hullo.engine.batch_executor import BatchExecutor
from hullo.engine.retry import Job
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.decision import Decision
from hullo.model.fact import Fact
from hullo.model.operation import Operation, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.testing.builders import a_decision

Make = Callable[[Asked], Awaitable[Any]]


async def crowd(bench: Bench, level: str, kind: str, way: str, callers: int, seconds: float) -> float:
    """Calls a second. Each caller has people of its own, and calls again once it is answered."""
    async with AsyncExitStack() as stack:
        make = await WAYS[way](bench, level, stack)
        done = 0
        began = time.perf_counter()

        async def caller(mine: Sequence[int]) -> None:
            nonlocal done
            while time.perf_counter() - began < seconds:
                await make(bench.people.asked(kind, random.choice(mine)))
                done += 1

        count = bench.people.count
        await asyncio.gather(*(caller(range(first, count, callers)) for first in range(min(callers, count))))
        return done / (time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Straight:
    """An identify with nothing left to decide, so that next to all of its cost is the store's."""

    asked: Asked
    moment: RequestContext

    def prepare(self, apps: AppCache) -> PreparedOperation[None]:
        app = the_application()
        names = names_of(app.workspace_id, self.asked)
        query = SnapshotQuery(
            workspace_id=app.workspace_id,
            app_id=app.id,
            session=names.session,
            identifiers=names[:2],
            include_orphans=True,
        )
        return PreparedOperation(query=query, decide=self.decide)

    def decide(self, snapshot: Snapshot) -> Decision[None]:
        app, now = the_application(), self.moment.now
        (contact,) = snapshot.contacts.values()
        block = contact.custom_data[app.id]
        said = self.asked.custom_data["order_count"]
        if block["order_count"].value == said:
            return Decision(result=None)
        written = {**block, "order_count": Fact(said, Standing.PROVEN, now, app.writer)}
        after = replace(contact, custom_data={app.id: written}, updated_at=now, last_seen_at=now)
        record = replace(a_decision(self.moment.new_id("dec"), contact_id=contact.id), at=now)
        return Decision(result=None, change_set=ChangeSet(contacts=(replacement(contact, after),), decisions=(record,)))


def _work_of(bench: Bench, level: str) -> Callable[[Asked], Operation[Any]]:
    if level == "store":
        return lambda asked: Straight(asked, RequestContext.at(bench.people.clock()))
    return lambda asked: bench.hullo.ready(asked)()


async def _in_groups(bench: Bench, level: str, stack: AsyncExitStack) -> Make:
    hullo, work_of = bench.hullo.hullo, _work_of(bench, level)
    lanes: BatchExecutor[Job] = BatchExecutor(hullo.executor.run_batch, hullo.store.max_concurrent_batches)

    async def make(asked: Asked) -> None:
        unit = Job(work_of(asked))
        await lanes.submit(unit)
        _done(unit)

    return make


async def _one_by_one(bench: Bench, level: str, stack: AsyncExitStack) -> Make:
    hullo, work_of = bench.hullo.hullo, _work_of(bench, level)
    threads = anyio.CapacityLimiter(hullo.store.max_concurrent_batches)

    async def make(asked: Asked) -> None:
        unit = Job(work_of(asked))
        await to_thread.run_sync(hullo.executor.run_batch, [unit], limiter=threads)
        _done(unit)

    return make


async def _by_hand(bench: Bench, level: str, stack: AsyncExitStack) -> Make:
    from handwritten.postgresql import EventLoopPostgresql

    app, clock = the_application(), bench.people.clock
    idle: asyncio.LifoQueue[EventLoopPostgresql] = asyncio.LifoQueue()
    for _ in range(bench.hullo.hullo.store.max_concurrent_batches):
        connection = await EventLoopPostgresql.connect(bench.url, app)
        stack.push_async_callback(connection.close)
        idle.put_nowait(connection)

    async def make(asked: Asked) -> None:
        connection = await idle.get()
        try:
            if level == "store":
                await connection.transact(asked, names_of(app.workspace_id, asked), RequestContext.at(clock()))
            else:
                await identify_on_loop(connection, asked, RequestContext.at(clock()))
        finally:
            idle.put_nowait(connection)

    return make


IN_GROUPS = "in groups"
WAYS: dict[str, Callable[[Bench, str, AsyncExitStack], Awaitable[Make]]] = {
    IN_GROUPS: _in_groups,
    "one by one": _one_by_one,
    "tuned by hand": _by_hand,
}
"""hullo as it is; hullo with trips of its own for each call, on as many threads; and by hand the same, tuned, on an
event loop. All on as many connections."""


def _done(unit: Job) -> None:
    if isinstance(unit.result, Exception):
        raise unit.result
