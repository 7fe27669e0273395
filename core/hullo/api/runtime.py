"""Bridge between asynchronous handlers and the synchronous core: one running hullo on the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from operator import attrgetter
from threading import get_ident
from typing import Any, Final, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from hullo.api.hop_target_cache import HopTargetCache
from hullo.application import Hullo
from hullo.asgi.address import TrustedProxies
from hullo.asgi.lifespan import close_at_exit
from hullo.engine.batch_executor import BatchExecutor
from hullo.engine.retry import Job
from hullo.errors import HulloError, TooManySearches
from hullo.model.decision import Decision
from hullo.model.operation import Operation, PreparedOperation
from hullo.ratelimit.limits import RateLimiter
from hullo.ratelimit.refused_evidence import RefusedEvidence
from hullo.ratelimit.throttled_log import ThrottledLog
from hullo.store.protocol import Store, SupportsConcurrentReads

T = TypeVar("T")

RUNTIME_KEY: Final = "hullo.edge"
"""Key of the runtime in the scope, for routes of plugins."""

HOOK_THREADS: Final = 32
"""Verifiers, and observers, that may wait for other systems at once. They have their own threads: a slow plugin delays
neither a lane nor the host's thread pool."""
SLOW_CALL_THREADS: Final = 8
"""Slow calls at once: checks, exports, webhook tests."""
SEARCH_THREADS: Final = 2
"""Searches at once. Their threads are no lanes of the store: a search that takes long delays no identify."""
MAX_WAITING_SEARCHES: Final = 64
"""Searches that may wait for one of their threads. More would wait longer than a caller does."""
RATE_LIMIT_THREADS: Final = 16
"""Calls that may wait at once for Redis to count them."""


class _LoopThreads:
    """Thread limiters and executor of one event loop."""

    def __init__(self, hullo: Hullo) -> None:
        # One for each event loop: events and limiters of AnyIO belong to the loop that waits on them.
        store = hullo.store
        reads = store.max_concurrent_reads if isinstance(store, SupportsConcurrentReads) else 0
        self.executor: BatchExecutor[Job] = BatchExecutor(
            hullo.executor.run_batch,
            store.max_concurrent_batches,
            is_done=attrgetter("is_done"),
            read_ahead=hullo.executor.read_ahead if reads else None,
            max_reads=reads,
        )
        self.verifier_limiter = anyio.CapacityLimiter(HOOK_THREADS)
        self.observer_limiter = anyio.CapacityLimiter(HOOK_THREADS)
        self.slow_call_limiter = anyio.CapacityLimiter(SLOW_CALL_THREADS)
        # A store with one lane searches in this process: one search at a time leaves processors to identifies.
        searches = min(SEARCH_THREADS, hullo.store.max_concurrent_batches)
        self.search_limiter = anyio.CapacityLimiter(searches)
        self.rate_limit_limiter = anyio.CapacityLimiter(RATE_LIMIT_THREADS)


class AsyncRuntime:
    """Runs operations and store reads in threads, and notifies observers.

    Opens hullo before the first of them, where no lifespan did: a mounted application, or a test client, may never run
    one. May be shared by several event loops.
    """

    def __init__(self, hullo: Hullo) -> None:
        self.hullo = hullo
        self.proxies = TrustedProxies(hullo.settings.trusted_proxies)
        self.hop_targets = HopTargetCache()
        self.log = ThrottledLog(hullo.clock)
        """Warnings for the operator. Shared by the event loops, as the limits are."""
        self.rate_limiter = RateLimiter(hullo, self._run_rate_limit_call, self.log)
        self.refused_evidence = RefusedEvidence()
        self._close_callbacks: list[Callable[[], None]] = []
        # A variable of the event loop, since several loops may share this runtime.
        self._threads: RunVar[_LoopThreads] = RunVar("hullo.edge")
        # One tuple, replaced whole: the thread of another loop never sees one part of it without the other.
        self._lifespan_threads: tuple[int, _LoopThreads] | None = None

    def on_close(self, close: Callable[[], None]) -> None:
        """Call `close` when the lifespan of an event loop ends, before the rate limiter closes."""
        self._close_callbacks.append(close)

    async def lifespan(self, lifespan: Awaitable[None]) -> None:
        """Run a lifespan, and meanwhile identify its event loop by the thread.

        To look up the current loop takes a twentieth of an identify that changes nothing. During a lifespan its thread
        runs no other loop.
        """
        self._lifespan_threads = (get_ident(), self._threads_of_loop())
        try:
            await lifespan
        finally:
            self._lifespan_threads = None
            for close in self._close_callbacks:
                close()
            self.rate_limiter.close()

    async def run(self, operation: Operation[T], *, uses_verifiers: bool = False) -> T:
        """Run an operation; return its result after the commit and the notification of observers. Raises its errors.

        `uses_verifiers`: the operation calls verifiers. If those may block, it is prepared in a thread of its own
        before it is queued.
        """
        threads = await self._open_threads()
        prepared: PreparedOperation[T] | None = None
        # A verifier that waits inside of a batch would make all calls of the batch wait.
        if uses_verifiers and self.hullo.hooks.verify_may_block:
            prepare = operation.prepare
            prepared = await to_thread.run_sync(prepare, self.hullo.executor.apps, limiter=threads.verifier_limiter)
        job = Job(operation, prepared)
        try:
            await threads.executor.submit(job)
        finally:
            # Also after cancellation: observers must see every committed change.
            if isinstance(job.result, Decision):
                await self._notify(partial(self.hullo.executor.notify_committed, job.result))
        if isinstance(job.result, Exception):
            raise job.result
        assert job.result is not None
        if job.result.refusal is not None:
            raise job.result.refusal
        result: T = job.result.result
        return result

    async def read(self, query: Callable[[Store], T]) -> T:
        """Read from the store. Raises `StoreUnavailable`."""
        threads = await self._open_threads()
        # Through the executor, whose threads are as many as the store serves at once.
        return await threads.executor.run_in_thread(lambda: query(self.hullo.store))

    async def search(self, query: Callable[[Store], T]) -> T:
        """Search the store beside its lanes. Raises `StoreUnavailable`, and `TooManySearches` where many wait."""
        limiter = (await self._open_threads()).search_limiter
        if limiter.statistics().tasks_waiting >= MAX_WAITING_SEARCHES:
            raise TooManySearches
        return await to_thread.run_sync(lambda: query(self.hullo.store), limiter=limiter)

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Run a slow read-only call in a worker thread outside the store lanes."""
        threads = await self._open_threads()
        return await to_thread.run_sync(function, limiter=threads.slow_call_limiter)

    async def notify_rejected(self, error: HulloError, app_key: str | None, request_id: str) -> None:
        """Send a rejected identify to observers."""
        executor = self.hullo.executor
        # `cached`: a flood of refused calls must not become a flood of queries.
        app = executor.apps.cached(app_key)
        await self._notify(partial(executor.notify_rejected, error, app, request_id))

    async def _run_rate_limit_call(self, function: Callable[[], Any]) -> Any:
        # hullo is not opened for this: a call over its limit must not wait for the store.
        return await to_thread.run_sync(function, limiter=self._threads_of_loop().rate_limit_limiter)

    async def _notify(self, notify: Callable[[], None]) -> None:
        # No thread for observers that never wait: changing threads would cost more than the call.
        if not self.hullo.hooks.observers_may_block:
            notify()
            return
        # Shielded: the change is committed, and a client that disconnects must not suppress its notification.
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(notify, limiter=self._threads_of_loop().observer_limiter)

    async def _open_threads(self) -> _LoopThreads:
        if not self.hullo.is_open:
            # In a thread, as opening may migrate. Race: a second first call waits there for the lock of `open`.
            await to_thread.run_sync(self.hullo.open_and_drain_outbox)
            close_at_exit(self.hullo)
        return self._threads_of_loop()

    def _threads_of_loop(self) -> _LoopThreads:
        here = self._lifespan_threads
        # The thread is compared, since another loop in another thread needs limiters of its own.
        if here is not None and here[0] == get_ident():
            return here[1]
        try:
            return self._threads.get()
        except LookupError:
            # No lock: no other loop reads this variable, and no `await` stands in between.
            threads = _LoopThreads(self.hullo)
            self._threads.set(threads)
            return threads


def runtime_of(connection: Any) -> AsyncRuntime:
    """Return the runtime that serves this request, for routes of plugins."""
    runtime: AsyncRuntime = connection.scope[RUNTIME_KEY]
    return runtime
