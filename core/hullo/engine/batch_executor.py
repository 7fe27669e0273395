"""How units of work reach the store's threads: whoever comes while others are served goes along with the next group.

There is no background task. The first to come leads: it takes along everybody who is waiting, serves the group in
a worker thread, hands out the results, and lets the next in line lead if somebody came meanwhile. A lone request
is a group of one and waits for nobody; a hundred at once share one load and one commit. It works without a
lifespan, on asyncio and on trio, and leaves nothing running.
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
    """One who waits. `called` is set once it was served, or when it is its turn to lead."""

    __slots__ = ("called", "error", "item", "served")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.called = anyio.Event()
        self.served = False
        self.error: BaseException | None = None


class _Batch(Generic[Item]):
    """Items that are served together, exactly once, whichever thread is asked to and however often."""

    __slots__ = ("_items", "_lock", "_serve", "error", "served")

    def __init__(self, serve: Callable[[Sequence[Item]], None], items: Sequence[Item]) -> None:
        self._serve = serve
        self._items = items
        self._lock = threading.Lock()
        self.served = False
        self.error: BaseException | None = None

    def run_once(self) -> None:
        """Returns when it is done, here or in the thread that was asked before."""
        with self._lock:
            if self.served:
                return
            try:
                self._serve(self._items)
            except BaseException as failed:
                self.error = failed
            self.served = True


class BatchExecutor(Generic[Item]):
    """Serves items in groups, at most `width` groups at once; each group in one call of `serve`, in a thread.

    One instance belongs to one event loop.
    """

    def __init__(self, run_batch: Callable[[Sequence[Item]], None], max_concurrency: int) -> None:
        self._serve = run_batch
        self._width = max_concurrency
        self._leading = 0
        self._waiting: deque[_Waiter[Item]] = deque()
        self._threads = anyio.CapacityLimiter(max_concurrency)

    async def submit(self, item: Item) -> None:
        """Returns once `serve` has been called with the item. Raises what `serve` raised.

        A caller that is cancelled before its item is taken along takes it back. Once it is taken, the cancellation
        waits until the item is served: what was decided is written, and whoever cancels can tell what came of it.
        """
        seat = _Waiter(item)
        if self._leading < self._width:
            self._leading += 1
        else:
            self._waiting.append(seat)
            await self._wait_for_turn(seat)
        if not seat.served:
            await self._lead_batch(seat)
        if seat.error is not None:
            raise seat.error

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Calls a function that reads the store, in one of the store's threads."""
        return await to_thread.run_sync(function, limiter=self._threads)

    async def _wait_for_turn(self, seat: _Waiter[Item]) -> None:
        try:
            await seat.called.wait()
        except BaseException:
            if seat in self._waiting:
                self._waiting.remove(seat)
            elif not seat.called.is_set():
                await _wait_shielded(seat.called)
            elif not seat.served:
                self._promote_next()
            raise

    async def _lead_batch(self, seat: _Waiter[Item]) -> None:
        companions = min(len(self._waiting), MAX_BATCH_SIZE - 1)
        seats = [seat, *(self._waiting.popleft() for _ in range(companions))]
        group = _Batch(self._serve, [each.item for each in seats])
        try:
            await self._run_shielded(group)
        finally:
            for each in seats:
                each.served, each.error = True, group.error
                each.called.set()
            self._promote_next()

    async def _run_shielded(self, group: _Batch[Item]) -> None:
        cancelled: BaseException | None = None
        with anyio.CancelScope(shield=True):
            while not group.served:
                try:
                    await to_thread.run_sync(group.run_once, limiter=self._threads)
                except anyio.get_cancelled_exc_class() as asked:
                    # `Task.cancel` of asyncio minds no shield, and others sit in this group: ask again, which
                    # waits for the thread that is at it, then go.
                    cancelled = asked
                except Exception as failed:  # there was no thread to be had
                    group.error, group.served = failed, True
        if cancelled is not None:
            raise cancelled

    def _promote_next(self) -> None:
        self._leading -= 1
        if self._waiting:
            self._leading += 1
            self._waiting.popleft().called.set()


async def _wait_shielded(event: anyio.Event) -> None:
    with anyio.CancelScope(shield=True):
        while not event.is_set():
            try:
                await event.wait()
            except anyio.get_cancelled_exc_class():
                continue  # asyncio's own cancellation, as above; it is raised once the event has come
