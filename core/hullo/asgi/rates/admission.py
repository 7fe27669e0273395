"""Whether a call is let in at all: the calls of one address are counted before anything is done for them."""

from __future__ import annotations

from typing import Final

from hullo.asgi.exchange import Exchange
from hullo.asgi.keys import presented_key

_FORWARDED: Final = b"x-forwarded-for"


async def admit(exchange: Exchange) -> None:
    """Counts a call that a browser may make, before its body is read. Raises `RateLimited`.

    A valid API key makes it free. To present just any would not do: there are paths that look at no key.
    """
    if not exchange.by_api_key or await presented_key(exchange) is None:
        await count(exchange)


async def count(exchange: Exchange) -> None:
    """Counts the call against its address. Raises `RateLimited`."""
    edge = exchange.edge
    unheard = _FORWARDED in exchange.headers and not edge.proxies.speaks(exchange.scope)
    await edge.rates.count_call(exchange.address, unheard)
