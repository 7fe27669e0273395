"""Rate limit by address, checked before any other work for a call."""

from __future__ import annotations

from typing import Final

from hullo.api.authentication import load_api_key
from hullo.api.owner_log import log_forwarding
from hullo.api.request import Request

_FORWARDED: Final = b"x-forwarded-for"


async def admit(request: Request) -> None:
    """Count a call to a browser path before its body is read. Raises `RateLimited`.

    A valid API key makes the call free. An unchecked key would not do: some paths never look at the key.
    """
    if not request.has_api_key or await load_api_key(request) is None:
        await count_call(request)


async def count_call(request: Request) -> None:
    """Count the call against its address. Raises `RateLimited`."""
    runtime = request.runtime
    # The header of a peer that is not listed changes no limit; it only leads to a hint in the log.
    is_ignored = _FORWARDED in request.headers and not runtime.proxies.is_trusted_peer(request.scope)
    if is_ignored:
        log_forwarding(request)
    await runtime.rate_limiter.count_call(request.address, is_ignored)
