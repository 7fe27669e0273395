"""Health checks for the operator: liveness and readiness."""

from __future__ import annotations

from hullo.api.openapi.operation import PUBLIC, operation
from hullo.api.request import Request
from hullo.api.schemas import HealthResponse
from hullo.asgi.response import Response, json_response
from hullo.errors import Unavailable
from hullo.store.protocol import Store


@operation(
    "Is the process there?",
    security=PUBLIC,
    answers=HealthResponse,
    takes_any_query=True,
)
async def alive(request: Request) -> Response:  # noqa: ARG001 - nothing is asked, least of all the store
    """`GET /healthz`"""
    return json_response(HealthResponse(status="ok"))


@operation(
    "Can it serve?",
    description="Whether the database is there, with the schema that is needed.",
    security=PUBLIC,
    answers=HealthResponse,
    takes_any_query=True,
    refusals=(Unavailable,),
)
async def ready(request: Request) -> Response:
    """`GET /readyz`. Raises `StoreUnavailable`."""
    # The store is asked here alone: a process without it should get no calls, but need not be restarted.
    await request.runtime.read(_check)
    return json_response(HealthResponse(status="ok"))


def _check(store: Store) -> None:
    store.check()
