"""How units of work reach the store's threads."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest
from anyio import to_thread

from hullo.engine.batch_executor import MAX_BATCH_SIZE, BatchExecutor

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


class Counter:
    """Serves groups of numbers; each group waits until the test lets it go."""

    def __init__(self, held=False):
        self.groups = []
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0 if held else 10_000)
        self.error = None
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def serve(self, items):
        with self._lock:
            self.groups.append(list(items))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.release()
        assert self.let_go.acquire(timeout=10)
        with self._lock:
            self.at_once -= 1
        if self.error is not None:
            raise self.error

    @property
    def served(self):
        return sorted(item for group in self.groups for item in group)

    async def has_begun(self):
        assert await to_thread.run_sync(lambda: self.begun.acquire(timeout=10))


async def _settle():
    """Lets every task run until it waits for something."""
    await anyio.wait_all_tasks_blocked()


async def test_single_call_is_a_group_of_one():
    counter = Counter()
    await BatchExecutor(counter.serve, 1).submit(7)
    assert counter.groups == [[7]]


async def test_calls_during_service_join_the_next_group():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, 0)
        await counter.has_begun()
        for number in range(1, 10):
            group.start_soon(lanes.submit, number)
        await _settle()
        counter.let_go.release(10)
    assert [sorted(units) for units in counter.groups] == [[0], list(range(1, 10))]


async def test_group_size_is_limited():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, -1)
        await counter.has_begun()
        for number in range(MAX_BATCH_SIZE + 5):
            group.start_soon(lanes.submit, number)
        await _settle()
        counter.let_go.release(10)
    assert [len(units) for units in counter.groups] == [1, MAX_BATCH_SIZE, 5]


@pytest.mark.parametrize("width", [1, 3])
async def test_groups_at_once_never_exceed_lanes(width):
    counter = Counter()
    lanes = BatchExecutor(counter.serve, width)
    async with anyio.create_task_group() as group:
        for number in range(500):
            group.start_soon(lanes.submit, number)
    assert counter.served == list(range(500))
    assert counter.most_at_once <= width


async def test_wide_lanes_serve_groups_in_parallel():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 2)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(lanes.submit, number)
            await counter.has_begun()
            await counter.has_begun()
            await _settle()
            counter.let_go.release(10)
    assert counter.served == [0, 1, 2, 3]
    assert [len(units) for units in counter.groups[:2]] == [1, 1]
    assert all(counter.groups)


async def test_error_reaches_only_its_group():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    failed, done = [], []

    async def submit(number):
        try:
            await lanes.submit(number)
            done.append(number)
        except OSError:
            failed.append(number)

    async with anyio.create_task_group() as group:
        group.start_soon(submit, 0)
        await counter.has_begun()
        for number in (1, 2, 3):
            group.start_soon(submit, number)
        await _settle()
        counter.let_go.release()
        await counter.has_begun()
        counter.error = OSError("broken")
        counter.let_go.release()
        await _settle()
        await to_thread.run_sync(lambda: None)
    counter.error = None
    counter.let_go.release()
    await submit(4)
    assert (sorted(failed), sorted(done)) == ([1, 2, 3], [0, 4])


async def test_call_cancelled_while_waiting_is_not_served():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, 0)
        await counter.has_begun()
        async with anyio.create_task_group() as leaving:
            leaving.start_soon(lanes.submit, 1)
            await _settle()
            group.start_soon(lanes.submit, 2)
            await _settle()
            leaving.cancel_scope.cancel()
        counter.let_go.release(10)
    assert counter.groups == [[0], [2]]


@pytest.mark.parametrize("leaving_item", [1, 2])
async def test_call_cancelled_during_service_leaves_after_it(leaving_item):
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    left = []

    async def leave(scope):
        with scope:
            try:
                await lanes.submit(leaving_item)
            finally:
                left.append(counter.at_once)

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, 0)
        await counter.has_begun()
        for item in (1, 2):  # the first of them will lead
            group.start_soon(*(leave, scope) if item == leaving_item else (lanes.submit, item))
            await _settle()
        counter.let_go.release()
        await counter.has_begun()
        scope.cancel()
        await _settle()
        assert left == []
        counter.let_go.release()
    assert left == [0]
    assert counter.groups == [[0], [1, 2]]
    counter.let_go.release()
    await lanes.submit(3)


async def test_reads_share_the_threads():
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    read = []

    async def look():
        read.append(await lanes.run_in_thread(lambda: counter.at_once))

    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, 0)
        await counter.has_begun()
        group.start_soon(look)
        await _settle()
        assert read == []
        counter.let_go.release()
    assert read == [0]


class Work:
    """An item with a result, once it has been read ahead or served."""

    def __init__(self, name, *, writes=True):
        self.name, self.writes, self.result = name, writes, None

    def __repr__(self):
        return self.name


def reading_ahead(counter, ahead):
    """Lanes of a store whose reads wait for no writer; `ahead` gets what is read ahead for."""

    def read(items):
        ahead.append(list(items))
        for item in items:
            item.result = None if item.writes else "read"

    return BatchExecutor(counter.serve, 1, is_done=lambda item: item.result is not None, read_ahead=read, max_reads=2)


async def test_stalled_batch_delays_no_read():
    counter, ahead, done = Counter(held=True), [], []
    lanes = reading_ahead(counter, ahead)

    async def submit(item):
        await lanes.submit(item)
        done.append(item.name)

    async with anyio.create_task_group() as group:
        group.start_soon(submit, Work("stalled"))
        await counter.has_begun()
        works = [Work("write 1"), Work("same 1", writes=False), Work("write 2"), Work("same 2", writes=False)]
        for work in works:
            group.start_soon(submit, work)
            await _settle()
        with anyio.fail_after(10):
            assert await lanes.run_in_thread(lambda: "read") == "read"
            while len(done) < 2:
                await anyio.sleep(0.001)
        assert sorted(done) == ["same 1", "same 2"]
        counter.let_go.release(10)
    assert [work for items in ahead for work in items] == works  # each once, however long it waits
    assert [str(group) for group in counter.groups] == ["[stalled]", "[write 1, write 2]"]


async def test_item_decided_in_stalled_batch_leaves_it():
    counter, done = Counter(held=True), []
    lanes = reading_ahead(counter, [])
    counter.let_go.release()
    await lanes.submit(Work("before"))
    await counter.has_begun()

    async def submit(item):
        await lanes.submit(item)
        done.append(item.name)

    async with anyio.create_task_group() as group:
        lanes._leader_count = 1  # as if a batch were running: the next ones wait, and form one batch
        works = [Work("write"), Work("same")]
        for work in works:
            group.start_soon(submit, work)
            await _settle()
        lanes._promote_next()
        await counter.has_begun()
        assert counter.groups[-1] == works
        works[1].result = "decided"
        with anyio.fail_after(10):
            while not done:
                await anyio.sleep(0.001)
        assert done == ["same"]
        counter.let_go.release()
    assert done == ["same", "write"]


async def test_call_cancelled_while_read_ahead_is_not_served():
    counter, begun, let_go = Counter(held=True), threading.Event(), threading.Event()

    def read(items):
        begun.set()
        assert let_go.wait(10)

    lanes = BatchExecutor(counter.serve, 1, is_done=lambda item: False, read_ahead=read, max_reads=1)
    async with anyio.create_task_group() as group:
        group.start_soon(lanes.submit, 0)
        await counter.has_begun()
        async with anyio.create_task_group() as leaving:
            leaving.start_soon(lanes.submit, 1)
            assert await to_thread.run_sync(begun.wait, 10)
            group.start_soon(lanes.submit, 2)
            await _settle()
            leaving.cancel_scope.cancel()
            let_go.set()
        counter.let_go.release(10)
    assert counter.groups == [[0], [2]]
    with anyio.fail_after(10):
        await lanes.submit(3)


async def test_failing_read_raises_its_own_error():
    with pytest.raises(ZeroDivisionError):
        await BatchExecutor(lambda items: None, 1).run_in_thread(lambda: 1 // 0)


# asyncio's own cancellation knows no shields, and comes from hosts that wrap requests in `asyncio.timeout`.


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("cancelled", [1, 2])
async def test_asyncio_cancel_during_service_loses_no_call(cancelled, anyio_backend):
    counter = Counter(held=True)
    lanes = BatchExecutor(counter.serve, 1)
    first = asyncio.create_task(lanes.submit(0))
    await counter.has_begun()
    tasks = {}
    for item in (1, 2, 3):
        tasks[item] = asyncio.create_task(lanes.submit(item))
        await _settle()
    counter.let_go.release()
    await counter.has_begun()
    for _ in range(2):
        tasks[cancelled].cancel()
        await asyncio.sleep(0)
    counter.let_go.release(10)
    async with asyncio.timeout(10):
        results = await asyncio.gather(first, *tasks.values(), return_exceptions=True)
        await lanes.submit(4)
    assert [type(result).__name__ for result in results] == [
        "NoneType",
        *("CancelledError" if item == cancelled else "NoneType" for item in (1, 2, 3)),
    ]
    assert counter.groups == [[0], [1, 2, 3], [4]]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_cancel_after_service_undoes_nothing(anyio_backend):
    served = []
    lanes = BatchExecutor(served.extend, 1)
    original = lanes._promote_next

    def pass_on():
        original()
        if 2 in served:  # its group is done, and it has not run since
            tasks[2].cancel()

    lanes._promote_next = pass_on
    tasks = [asyncio.create_task(lanes.submit(item)) for item in range(4)]
    async with asyncio.timeout(10):
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await lanes.submit(4)
    assert [type(result).__name__ for result in results] == ["NoneType", "NoneType", "CancelledError", "NoneType"]
    assert served == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_cancel_of_leader_passes_the_lead(anyio_backend):
    served, called = [], [True]
    lanes = BatchExecutor(served.extend, 1)
    original = lanes._promote_next

    def pass_on():
        original()
        if len(called) == 1:  # at the first hand-over, before the one who was called has run
            called.append(True)
            tasks[1].cancel()

    lanes._promote_next = pass_on
    tasks = [asyncio.create_task(lanes.submit(item)) for item in range(4)]
    async with asyncio.timeout(10):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["NoneType", "CancelledError", "NoneType", "NoneType"]
    assert served == [0, 2, 3]
    async with asyncio.timeout(10):
        await lanes.submit(4)


async def test_thread_shortage_raises_for_every_caller(monkeypatch):
    lanes = BatchExecutor(lambda items: None, 1)

    async def no_thread(*args, **options):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(to_thread, "run_sync", no_thread)
        with pytest.raises(RuntimeError, match="thread"):
            await lanes.submit(1)
    await lanes.submit(2)
