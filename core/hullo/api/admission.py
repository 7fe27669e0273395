"""Whether a call is let in at all: the calls of one address are counted before anything is done for them."""

from __future__ import annotations

from typing import Final

from hullo.api.authentication import load_api_key
from hullo.api.request import Request

_FORWARDED: Final = b"x-forwarded-for"


async def admit(request: Request) -> None:
    """Counts a call that a browser may make, before its body is read. Raises `RateLimited`.

    A valid API key makes it free. To present just any would not do: there are paths that look at no key.
    """
    if not request.has_api_key or await load_api_key(request) is None:
        await count_call(request)


async def count_call(request: Request) -> None:
    """Counts the call against its address. Raises `RateLimited`."""
    edge = request.runtime
    unheard = _FORWARDED in request.headers and not edge.proxies.is_trusted_peer(request.scope)
    await edge.rate_limiter.count_call(request.address, unheard)
