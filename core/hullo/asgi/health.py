"""For whoever runs it: is the process there, can it serve?"""

from __future__ import annotations

from hullo.asgi.answer import Answer, told
from hullo.asgi.exchange import Exchange
from hullo.store.protocol import Store


async def alive(exchange: Exchange) -> Answer:  # noqa: ARG001 - nothing is asked, least of all the store
    """`GET /healthz`"""
    return told({"status": "ok"})


async def ready(exchange: Exchange) -> Answer:
    """`GET /readyz`. Raises `StoreUnavailable`."""
    await exchange.edge.read(_check)
    return told({"status": "ok"})


def _check(store: Store) -> None:
    store.check()
