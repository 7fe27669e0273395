"""Where asynchronous meets synchronous: one running hullo, as the event loop sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import Any, Final, TypeVar

import anyio
from anyio import to_thread
from anyio.lowlevel import RunVar

from hullo.app import Hullo
from hullo.asgi.address import TrustedProxies
from hullo.asgi.rates.limits import Rates
from hullo.asgi.socket.switchboard import Switchboard
from hullo.errors import HulloError
from hullo.model.decision import Decision
from hullo.pipeline.work import Prepared, Unit, Work
from hullo.store.lanes import Lanes
from hullo.store.protocol import Store

T = TypeVar("T")

EDGE_KEY: Final = "hullo.edge"
"""Under which plugins' routes find the edge in their scope, to have work done."""

WAITING_THREADS: Final = 32
"""How many verifiers, and how many observers, may wait for other systems at once. They have threads of their own:
whoever is slow holds up neither a lane nor the host's thread pool."""
THINKING_THREADS: Final = 8
"""How many questions that take their time may be asked at once: checks, exports, tests of webhooks."""
COUNTING_THREADS: Final = 16
"""How many calls may wait at once for the Redis that counts them."""


class _Threads:
    """The threads of one event loop."""

    def __init__(self, hullo: Hullo) -> None:
        self.lanes: Lanes[Unit] = Lanes(hullo.pipeline.serve, hullo.store.lanes)
        self.verifying = anyio.CapacityLimiter(WAITING_THREADS)
        self.observing = anyio.CapacityLimiter(WAITING_THREADS)
        self.thinking = anyio.CapacityLimiter(THINKING_THREADS)
        self.counting = anyio.CapacityLimiter(COUNTING_THREADS)


class Edge:
    """Has work done and the store read, in threads, and tells observers.

    Opens hullo before the first of it, where no lifespan did: an application that is mounted in another, or a test
    client, may never run one. May be shared by several event loops.
    """

    def __init__(self, hullo: Hullo) -> None:
        self.hullo = hullo
        self.proxies = TrustedProxies(hullo.settings.trusted_proxies)
        self.rates = Rates(hullo, self._count)
        self.switchboard = Switchboard(hullo)
        self._threads: RunVar[_Threads] = RunVar("hullo.edge")
        self._here: tuple[int, _Threads] | None = None

    async def live(self, lifespan: Awaitable[None]) -> None:
        """Lives through a lifespan, and meanwhile knows its event loop by its thread.

        Asking which loop runs costs an identify that changes nothing a twentieth of its time. A thread has one loop
        for as long as that one's lifespan lasts.
        """
        self._here = (get_ident(), self._of_this_loop())
        try:
            await lifespan
        finally:
            self._here = None
            self.switchboard.close()
            self.rates.close()

    async def do(self, work: Work[T], *, verifying: bool = False) -> T:
        """The answer, once what was decided is committed and observers know the outcome. Raises what refused the work.

        `verifying`: the work asks verifiers. When those wait for other systems they are asked before the work
        queues up, in a thread of their own.
        """
        threads = await self._opened()
        prepared: Prepared[T] | None = None
        if verifying and self.hullo.hooks.verifying_waits:
            prepare = work.prepare
            prepared = await to_thread.run_sync(prepare, self.hullo.pipeline.apps, limiter=threads.verifying)
        unit = Unit(work, prepared)
        try:
            await threads.lanes.submit(unit)
        finally:
            # Also for a caller that was cancelled meanwhile: what is committed is told.
            if isinstance(unit.result, Decision):
                await self._tell(partial(self.hullo.pipeline.tell, unit.result))
        if isinstance(unit.result, Exception):
            raise unit.result
        assert unit.result is not None
        answer: T = unit.result.answer
        return answer

    async def read(self, question: Callable[[Store], T]) -> T:
        """What the store says. Raises `StoreUnavailable`."""
        threads = await self._opened()
        return await threads.lanes.run(lambda: question(self.hullo.store))

    async def think(self, question: Callable[[], T]) -> T:
        """The answer to a question that takes its time, in a thread beside the lanes."""
        threads = await self._opened()
        return await to_thread.run_sync(question, limiter=threads.thinking)

    async def tell_refused(self, error: HulloError, app_key: str | None, request_id: str) -> None:
        """Tells observers that an identify failed."""
        pipeline = self.hullo.pipeline
        app = pipeline.apps.remembered(app_key)
        await self._tell(partial(pipeline.tell_refused, error, app, request_id))

    async def _count(self, ask: Callable[[], Any]) -> Any:
        return await to_thread.run_sync(ask, limiter=self._of_this_loop().counting)

    async def _tell(self, tell: Callable[[], None]) -> None:
        if not self.hullo.hooks.observing_waits:
            tell()
            return
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(tell, limiter=self._of_this_loop().observing)

    async def _opened(self) -> _Threads:
        if not self.hullo.is_open:
            await to_thread.run_sync(open_to_serve, self.hullo)
        return self._of_this_loop()

    def _of_this_loop(self) -> _Threads:
        here = self._here
        if here is not None and here[0] == get_ident():
            return here[1]
        try:
            return self._threads.get()
        except LookupError:
            threads = _Threads(self.hullo)
            self._threads.set(threads)
            return threads


def open_to_serve(hullo: Hullo) -> None:
    """Opens it for long, so that it looks after what others have left in the outbox too."""
    hullo.open().courier.nudge()


def edge_of(connection: Any) -> Edge:
    """For routes of plugins: the edge that serves this request."""
    edge: Edge = connection.scope[EDGE_KEY]
    return edge
