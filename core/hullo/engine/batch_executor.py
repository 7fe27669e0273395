"""The way from the event loop to the store's threads: items that wait while a batch runs form the next batch.

There is no background task. The first caller leads: it takes along every item that is waiting, runs them as one batch
in a worker thread, hands out the results, and passes the lead to the next in line. A lone request is a batch of one
and waits for no other; a hundred at once share one load and one commit. Works without a lifespan, on asyncio and on
trio, and leaves nothing running.

Reads have threads of their own. A batch that takes long waits for a writer elsewhere: meanwhile its leader reads ahead
for the items behind it, so that those that change nothing need not wait too.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import anyio
from anyio import to_thread

Item = TypeVar("Item")
T = TypeVar("T")

MAX_BATCH_SIZE: Final = 128
STALL_TIME: Final = 0.05
"""Seconds after which a batch counts as stalled: a commit that waits for no other writer takes a few milliseconds."""
STALL_PAUSE: Final = 0.01
"""Seconds between two looks at a batch that is stalled."""


class _Waiter(Generic[Item]):
    """One caller of `submit`. `ready` is set when its item is done, or when it is its turn to lead."""

    __slots__ = ("done", "error", "is_cancelled", "item", "ready", "was_read_ahead")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.ready = anyio.Event()
        self.done = False
        self.error: BaseException | None = None
        self.was_read_ahead = False
        self.is_cancelled = False

    def finish(self, error: BaseException | None = None) -> None:
        """Let the caller go: its item needs no batch any more."""
        self.done, self.error = True, error
        self.ready.set()


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

    @property
    def is_running(self) -> bool:
        """Return whether a thread is at work on it."""
        return self._lock.locked()

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

    `is_done` tells whether an item has its result, which a thread may be setting at that moment. `read_ahead` gives a
    result to those of its items that need no write, and leaves the others as they are; None where a read of the store
    waits for its writers. Reads have `max_reads` threads of their own; 0: they share those of the batches. One instance
    belongs to one event loop.
    """

    # No lock on these fields: only the event loop's thread touches them, and no `await` stands between a check of them
    # and the change that follows from it.

    def __init__(
        self,
        run_batch: Callable[[Sequence[Item]], None],
        max_concurrency: int,
        *,
        is_done: Callable[[Item], bool] = lambda _: False,
        read_ahead: Callable[[Sequence[Item]], None] | None = None,
        max_reads: int = 0,
    ) -> None:
        self._run_batch = run_batch
        self._max_concurrency = max_concurrency
        self._is_done = is_done
        self._read_ahead = read_ahead
        self._is_reading_ahead = False
        self._leader_count = 0
        self._waiters: deque[_Waiter[Item]] = deque()
        self._threads = anyio.CapacityLimiter(max_concurrency)
        self._read_threads = anyio.CapacityLimiter(max_reads) if max_reads else self._threads
        # Not of the reads: slow ones may have taken all their threads.
        self._read_ahead_thread = anyio.CapacityLimiter(1)

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
        return await to_thread.run_sync(function, limiter=self._read_threads)

    async def _wait_for_turn(self, waiter: _Waiter[Item]) -> None:
        try:
            await waiter.ready.wait()
        except BaseException:
            # Race: the cancellation may come before, during or after the batch, or together with the lead.
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.ready.is_set():
                # Read ahead for at this moment, it must not go back into the queue: nothing of it is written yet.
                waiter.is_cancelled = True
                await _wait_shielded(waiter.ready)
            elif not waiter.done:
                # The lead was handed over and will not be used: without this the rest of the queue waits for ever.
                self._promote_next()
            raise

    async def _lead_batch(self, waiter: _Waiter[Item]) -> None:
        """Run one batch: the leader's item first, then the longest waiting."""
        waiters = [waiter]
        while self._waiters and len(waiters) < MAX_BATCH_SIZE:
            waiters.append(self._waiters.popleft())
        batch = _Batch(self._run_batch, [member.item for member in waiters])
        try:
            await self._run_shielded(batch, waiters)
        finally:
            # Also when the leader was cancelled: the others of its batch have their results all the same.
            for member in waiters:
                member.finish(batch.error)
            self._promote_next()

    async def _run_shielded(self, batch: _Batch[Item], waiters: Sequence[_Waiter[Item]]) -> None:
        """Run the batch to its end, then raise the cancellation that came meanwhile."""
        cancellation: BaseException | None = None
        while not batch.done:
            try:
                if batch.is_running:
                    await self._serve_stalled(batch, waiters)
                else:
                    # A shield is needed in any case, so that its deadline costs next to nothing.
                    with anyio.move_on_after(STALL_TIME, shield=True):
                        # Abandoned for this wait alone: the thread goes on, and the loop comes back to it.
                        await to_thread.run_sync(
                            batch.run_once, limiter=self._threads, abandon_on_cancel=self._read_ahead is not None
                        )
            except anyio.get_cancelled_exc_class() as error:
                # `Task.cancel` of asyncio ignores the shield, and other callers depend on this batch. Wait for the
                # thread that runs it, then go.
                cancellation = error
            except Exception as error:
                # No thread could be started, so the batch did not run. `run_once` itself raises nothing.
                batch.error, batch.done = error, True
        if cancellation is not None:
            raise cancellation

    async def _serve_stalled(self, batch: _Batch[Item], waiters: Sequence[_Waiter[Item]]) -> None:
        """Wait for the thread that runs the batch, and meanwhile serve the items that need no write."""
        with anyio.CancelScope(shield=True):
            while not batch.done:
                for member in waiters[1:]:
                    # In the batch, but decided without a change: only the others wait for the commit.
                    if not member.done and self._is_done(member.item):
                        member.finish()
                if self._read_ahead is not None and not self._is_reading_ahead:
                    await self._read_ahead_once(self._read_ahead)
                await anyio.sleep(STALL_PAUSE)

    async def _read_ahead_once(self, read_ahead: Callable[[Sequence[Item]], None]) -> None:
        """Give a result to those in the queue that need no write; the others keep their places."""
        chosen = [waiter for waiter in self._waiters if not waiter.was_read_ahead][:MAX_BATCH_SIZE]
        if not chosen:
            return
        for waiter in chosen:
            # Once: the second time it would again need a write.
            waiter.was_read_ahead = True
            # Out of the queue meanwhile: a leader that becomes free must not run it at the same time.
            self._waiters.remove(waiter)
        self._is_reading_ahead = True
        ahead = _Batch(read_ahead, [waiter.item for waiter in chosen])
        try:
            await self._finish_read_ahead(ahead)
        finally:
            self._is_reading_ahead = False
            for waiter in chosen:
                # An error of the read is not theirs: the batch will meet it, or not.
                if waiter.is_cancelled or self._is_done(waiter.item):
                    waiter.finish()
            # Behind those that came before them, and before those that came meanwhile.
            earlier = [waiter for waiter in self._waiters if waiter.was_read_ahead]
            later = [waiter for waiter in self._waiters if not waiter.was_read_ahead]
            self._waiters = deque([*earlier, *(waiter for waiter in chosen if not waiter.done), *later])
            # Race: leaders may have finished meanwhile, and found the queue empty.
            while self._waiters and self._leader_count < self._max_concurrency:
                self._leader_count += 1
                self._waiters.popleft().ready.set()

    async def _finish_read_ahead(self, ahead: _Batch[Item]) -> None:
        cancellation: BaseException | None = None
        while not ahead.done:
            try:
                await to_thread.run_sync(ahead.run_once, limiter=self._read_ahead_thread)
            except anyio.get_cancelled_exc_class() as error:
                cancellation = error  # asyncio's own cancellation: the items are in a thread's hands until it is done
            except Exception as error:
                ahead.error, ahead.done = error, True
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
