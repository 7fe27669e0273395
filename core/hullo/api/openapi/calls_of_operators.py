"""What whoever runs hullo calls, without any key."""

from __future__ import annotations

from typing import Final

from hullo.api.openapi.operation import PUBLIC, Operation, Operations
from hullo.api.schemas import HealthResponse
from hullo.errors import Unavailable

CALLS_OF_OPERATORS: Final[Operations] = {
    "/healthz": {
        "get": Operation(
            id="alive",
            summary="Is the process there?",
            security=PUBLIC,
            answers=(HealthResponse,),
            takes_any_query=True,
        ),
    },
    "/readyz": {
        "get": Operation(
            id="ready",
            summary="Can it serve?",
            description="Whether the database is there, with the schema that is needed.",
            security=PUBLIC,
            answers=(HealthResponse,),
            refusals=(Unavailable,),
            takes_any_query=True,
        ),
    },
    "/openapi.json": {
        "get": Operation(id="describe", summary="Read this document", security=PUBLIC, answers=("Description",)),
    },
}
