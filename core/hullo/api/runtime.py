"""Where asynchronous meets synchronous: one running hullo, as the event loop sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import Any, Final, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from hullo.application import Hullo
from hullo.asgi.address import TrustedProxies
from hullo.engine.batch_executor import BatchExecutor
from hullo.engine.retry import Job
from hullo.errors import HulloError
from hullo.model.decision import Decision
from hullo.model.operation import Operation, PreparedOperation
from hullo.ratelimit.limits import RateLimiter
from hullo.store.protocol import Store

T = TypeVar("T")

RUNTIME_KEY: Final = "hullo.edge"
"""Under which plugins' routes find the edge in their scope, to have work done."""

HOOK_THREADS: Final = 32
"""How many verifiers, and how many observers, may wait for other systems at once. They have threads of their own:
whoever is slow holds up neither a lane nor the host's thread pool."""
SLOW_CALL_THREADS: Final = 8
"""How many questions that take their time may be asked at once: checks, exports, tests of webhooks."""
RATE_LIMIT_THREADS: Final = 16
"""How many calls may wait at once for the Redis that counts them."""


class _LoopThreads:
    """The threads of one event loop."""

    def __init__(self, hullo: Hullo) -> None:
        self.executor: BatchExecutor[Job] = BatchExecutor(hullo.executor.run_batch, hullo.store.max_concurrent_batches)
        self.verifier_limiter = anyio.CapacityLimiter(HOOK_THREADS)
        self.observer_limiter = anyio.CapacityLimiter(HOOK_THREADS)
        self.slow_call_limiter = anyio.CapacityLimiter(SLOW_CALL_THREADS)
        self.rate_limit_limiter = anyio.CapacityLimiter(RATE_LIMIT_THREADS)


class AsyncRuntime:
    """Has work done and the store read, in threads, and tells observers.

    Opens hullo before the first of it, where no lifespan did: an application that is mounted in another, or a test
    client, may never run one. May be shared by several event loops.
    """

    def __init__(self, hullo: Hullo) -> None:
        self.hullo = hullo
        self.proxies = TrustedProxies(hullo.settings.trusted_proxies)
        self.rate_limiter = RateLimiter(hullo, self._run_rate_limit_call)
        self._close_callbacks: list[Callable[[], None]] = []
        self._threads: RunVar[_LoopThreads] = RunVar("hullo.edge")
        self._lifespan_threads: tuple[int, _LoopThreads] | None = None

    def on_close(self, close: Callable[[], None]) -> None:
        """Call `close` when the lifespan of an event loop ends, before the rate limiter closes."""
        self._close_callbacks.append(close)

    async def lifespan(self, lifespan: Awaitable[None]) -> None:
        """Lives through a lifespan, and meanwhile knows its event loop by its thread.

        Asking which loop runs costs an identify that changes nothing a twentieth of its time. A thread has one loop
        for as long as that one's lifespan lasts.
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
        """The answer, once what was decided is committed and observers know the outcome. Raises what refused the work.

        `verifying`: the work asks verifiers. When those wait for other systems they are asked before the work
        queues up, in a thread of their own.
        """
        threads = await self._open_threads()
        prepared: PreparedOperation[T] | None = None
        if uses_verifiers and self.hullo.hooks.verify_may_block:
            prepare = operation.prepare
            prepared = await to_thread.run_sync(prepare, self.hullo.executor.apps, limiter=threads.verifier_limiter)
        unit = Job(operation, prepared)
        try:
            await threads.executor.submit(unit)
        finally:
            # Also for a caller that was cancelled meanwhile: what is committed is told.
            if isinstance(unit.result, Decision):
                await self._notify(partial(self.hullo.executor.notify_committed, unit.result))
        if isinstance(unit.result, Exception):
            raise unit.result
        assert unit.result is not None
        answer: T = unit.result.result
        return answer

    async def read(self, query: Callable[[Store], T]) -> T:
        """What the store says. Raises `StoreUnavailable`."""
        threads = await self._open_threads()
        return await threads.executor.run_in_thread(lambda: query(self.hullo.store))

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """The answer to a question that takes its time, in a thread beside the lanes."""
        threads = await self._open_threads()
        return await to_thread.run_sync(function, limiter=threads.slow_call_limiter)

    async def notify_rejected(self, error: HulloError, app_key: str | None, request_id: str) -> None:
        """Tells observers that an identify failed."""
        pipeline = self.hullo.executor
        app = pipeline.apps.cached(app_key)
        await self._notify(partial(pipeline.notify_rejected, error, app, request_id))

    async def _run_rate_limit_call(self, function: Callable[[], Any]) -> Any:
        return await to_thread.run_sync(function, limiter=self._threads_of_loop().rate_limit_limiter)

    async def _notify(self, notify: Callable[[], None]) -> None:
        if not self.hullo.hooks.observers_may_block:
            notify()
            return
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(notify, limiter=self._threads_of_loop().observer_limiter)

    async def _open_threads(self) -> _LoopThreads:
        if not self.hullo.is_open:
            await to_thread.run_sync(self.hullo.open_and_drain_outbox)
        return self._threads_of_loop()

    def _threads_of_loop(self) -> _LoopThreads:
        here = self._lifespan_threads
        if here is not None and here[0] == get_ident():
            return here[1]
        try:
            return self._threads.get()
        except LookupError:
            threads = _LoopThreads(self.hullo)
            self._threads.set(threads)
            return threads


def runtime_of(connection: Any) -> AsyncRuntime:
    """For routes of plugins: the edge that serves this request."""
    edge: AsyncRuntime = connection.scope[RUNTIME_KEY]
    return edge
