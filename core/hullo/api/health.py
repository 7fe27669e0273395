"""Health checks for the operator: liveness and readiness."""

from __future__ import annotations

from hullo.api.request import Request
from hullo.api.schemas import HealthResponse
from hullo.asgi.response import Response, json_response
from hullo.store.protocol import Store


async def alive(request: Request) -> Response:  # noqa: ARG001 - nothing is asked, least of all the store
    """`GET /healthz`"""
    return json_response(HealthResponse(status="ok"))


async def ready(request: Request) -> Response:
    """`GET /readyz`. Raises `StoreUnavailable`."""
    # The store is asked here alone: a process without it should get no calls, but need not be restarted.
    await request.runtime.read(_check)
    return json_response(HealthResponse(status="ok"))


def _check(store: Store) -> None:
    store.check()
