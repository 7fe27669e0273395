"""The way from the event loop to the store's threads: items that wait while a batch runs form the next batch.

There is no background task. The first caller leads: it takes along every item that is waiting, runs them as one batch
in a worker thread, hands out the results, and passes the lead to the next in line. A lone request is a batch of one
and waits for no other; a hundred at once share one load and one commit. Works without a lifespan, on asyncio and on
trio, and leaves nothing running.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
from anyio import to_thread

Item = TypeVar("Item")
T = TypeVar("T")

MAX_BATCH_SIZE = 128


class _Waiter(Generic[Item]):
    """One caller of `submit`. `ready` is set when its item is done, or when it is its turn to lead."""

    __slots__ = ("done", "error", "item", "ready")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.ready = anyio.Event()
        self.done = False
        self.error: BaseException | None = None


class _Batch(Generic[Item]):
    """Items that run together, exactly once, however many threads call `run_once`."""

    __slots__ = ("_items", "_lock", "_run_batch", "done", "error")

    def __init__(self, run_batch: Callable[[Sequence[Item]], None], items: Sequence[Item]) -> None:
        self._run_batch = run_batch
        self._items = items
        # Lock: a leader that is cancelled sends a second thread, which must wait for the first and not run it again.
        self._lock = threading.Lock()
        self.done = False
        self.error: BaseException | None = None

    def run_once(self) -> None:
        """Run the batch, or wait until the thread that runs it is done. Never raises; the error is kept."""
        with self._lock:
            if self.done:
                return
            try:
                self._run_batch(self._items)
            except BaseException as error:
                # Kept for every waiter: raised here it would reach the leader only.
                self.error = error
            self.done = True


class BatchExecutor(Generic[Item]):
    """Runs items in batches, at most `max_concurrency` at once; each batch is one call of `run_batch`, in a thread.

    One instance belongs to one event loop.
    """

    # No lock on these fields: only the event loop's thread touches them, and no `await` stands between a check of them
    # and the change that follows from it.

    def __init__(self, run_batch: Callable[[Sequence[Item]], None], max_concurrency: int) -> None:
        self._run_batch = run_batch
        self._max_concurrency = max_concurrency
        self._leader_count = 0
        self._waiters: deque[_Waiter[Item]] = deque()
        self._threads = anyio.CapacityLimiter(max_concurrency)

    async def submit(self, item: Item) -> None:
        """Run the item in a batch and return when that is done. Raises what `run_batch` raised.

        A caller that is cancelled while its item waits takes it back. Once the item is in a batch, the cancellation
        waits until the batch is done: what was decided is written, and the caller can say what came of it.
        """
        waiter = _Waiter(item)
        if self._leader_count < self._max_concurrency:
            self._leader_count += 1
        else:
            self._waiters.append(waiter)
            await self._wait_for_turn(waiter)
        if not waiter.done:
            await self._lead_batch(waiter)
        if waiter.error is not None:
            raise waiter.error

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Call a function that reads the store, in one of the store's threads."""
        return await to_thread.run_sync(function, limiter=self._threads)

    async def _wait_for_turn(self, waiter: _Waiter[Item]) -> None:
        try:
            await waiter.ready.wait()
        except BaseException:
            # Race: the cancellation may come before, during or after the batch, or together with the lead.
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.ready.is_set():
                await _wait_shielded(waiter.ready)
            elif not waiter.done:
                # The lead was handed over and will not be used: without this the rest of the queue waits for ever.
                self._promote_next()
            raise

    async def _lead_batch(self, waiter: _Waiter[Item]) -> None:
        """Run one batch: the leader's item first, then the longest waiting."""
        followers = min(len(self._waiters), MAX_BATCH_SIZE - 1)
        waiters = [waiter, *(self._waiters.popleft() for _ in range(followers))]
        batch = _Batch(self._run_batch, [member.item for member in waiters])
        try:
            await self._run_shielded(batch)
        finally:
            # Also when the leader was cancelled: the others of its batch have their results all the same.
            for member in waiters:
                member.done, member.error = True, batch.error
                member.ready.set()
            self._promote_next()

    async def _run_shielded(self, batch: _Batch[Item]) -> None:
        """Run the batch to its end, then raise the cancellation that came meanwhile."""
        cancellation: BaseException | None = None
        with anyio.CancelScope(shield=True):
            while not batch.done:
                try:
                    await to_thread.run_sync(batch.run_once, limiter=self._threads)
                except anyio.get_cancelled_exc_class() as error:
                    # `Task.cancel` of asyncio ignores the shield, and other callers depend on this batch. Ask again,
                    # which waits for the thread that runs it, then go.
                    cancellation = error
                except Exception as error:
                    # No thread could be started, so the batch did not run. `run_once` itself raises nothing.
                    batch.error, batch.done = error, True
        if cancellation is not None:
            raise cancellation

    def _promote_next(self) -> None:
        """Make the longest waiting caller the next leader, if there is one."""
        self._leader_count -= 1
        if self._waiters:
            # Counted here and not when that caller wakes up: a newcomer would take its place in between.
            self._leader_count += 1
            self._waiters.popleft().ready.set()


async def _wait_shielded(event: anyio.Event) -> None:
    with anyio.CancelScope(shield=True):
        while not event.is_set():
            try:
                await event.wait()
            except anyio.get_cancelled_exc_class():
                continue  # asyncio's own cancellation, as above; the caller raises it once the event is set
