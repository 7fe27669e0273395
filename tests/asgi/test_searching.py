"""Searches beside other calls of one process."""

from __future__ import annotations

import threading

import anyio
import pytest

from hullo import Hullo
from hullo.api.runtime import MAX_WAITING_SEARCHES, AsyncRuntime
from hullo.errors import TooManySearches


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_waiting_searches_delay_no_read(backend: str):
    done = threading.Event()

    async def main() -> None:
        runtime = AsyncRuntime(hullo)
        started = 0
        async with anyio.create_task_group() as tasks:
            try:
                for _ in range(1 + MAX_WAITING_SEARCHES):
                    tasks.start_soon(runtime.search, lambda store: done.wait())
                # Until all threads are taken and all places in the queue, which takes no time but the loop's.
                while started != MAX_WAITING_SEARCHES:
                    await anyio.lowlevel.checkpoint()
                    started = runtime._threads_of_loop().search_limiter.statistics().tasks_waiting
                assert await runtime.read(lambda store: store.list_apps()) == ()
                with pytest.raises(TooManySearches):
                    await runtime.search(lambda store: store.list_apps())
            finally:
                done.set()
        assert await runtime.search(lambda store: store.list_apps()) == ()

    with Hullo("memory:") as hullo:
        anyio.run(main, backend=backend)
