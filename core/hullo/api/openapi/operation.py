"""What is said of one method of a path: what it is for, what it takes, what it answers, and why it may refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.api.openapi.notation import TEXT, Schema, ref
from hullo.api.openapi.refusals import Refusal
from hullo.api.request import PAGE_MAX_LIMIT
from hullo.api.schemas import ResponseBody
from hullo.errors import (
    BadOrigin,
    BadRequest,
    Forbidden,
    Invalid,
    KeyRequired,
    RateLimited,
    SessionRequired,
    SessionRevoked,
    TooLarge,
    Unavailable,
    UnknownApp,
)
from hullo.model.app import Scope
from hullo.store.protocol import PageRequest
from hullo.value import Value

Security = list[dict[str, list[str]]]

ANY_CALLER: Final[Security] = [{"appKey": []}, {"session": []}, {}]
"""`{}`: the body may name the app."""
VISITOR: Final[Security] = [{"session": []}]
VISITOR_WITH_BODY: Final[Security] = [*VISITOR, {}]
"""`{}`: the body may hold the session."""
# Empty and not absent: OpenAPI reads an empty list as no credential needed.
PUBLIC: Final[Security] = []

BODY_REFUSALS: Final = (BadRequest, TooLarge)
PAGE_REFUSALS: Final = (BadOrigin, UnknownApp, RateLimited, Unavailable)
"""Of whatever a page may call."""
VISITOR_REFUSALS: Final = (SessionRequired, SessionRevoked, *PAGE_REFUSALS)
KEY_REFUSALS: Final = (KeyRequired, Forbidden, RateLimited, Unavailable)
"""`RateLimited`: whoever guesses at keys."""
EITHER_REFUSALS: Final = (KeyRequired, Forbidden, Invalid, *VISITOR_REFUSALS)
"""Of what visitors and servers may call."""


class Operation(Value):
    """`body` is the name of a schema."""

    id: str
    """The name of the function that answers."""
    summary: str
    security: Security
    answers: tuple[type[ResponseBody] | str, ...]
    """Several where it depends on the caller. A text names a schema that is written by hand."""
    description: str = ""
    parameters: tuple[Schema, ...] = ()
    body: str | None = None
    needs_body: bool = True
    beacon: bool = False
    """Whether `navigator.sendBeacon` may send it, which can label JSON as nothing but text."""
    discriminator: str | None = None
    """The constant field that tells several answers apart."""
    refusals: tuple[Refusal, ...] = ()
    leads_to: tuple[str, ...] = ()
    """The ids of operations whose path holds an id that is in the answer."""
    leads_by: str = "id"
    """The field of the answer that it is in."""


Operations = Mapping[str, Mapping[str, Operation]]
"""By path and method."""


def by_key(scope: Scope) -> Security:
    """An API key with this scope."""
    return [{"apiKey": [scope.value]}]


def path_id(schema: str) -> Schema:
    """The `{id}` of a path."""
    return in_path("id", ref(schema))


def in_path(name: str, schema: Schema) -> Schema:
    """Another part of a path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def query(name: str, schema: Schema, description: str) -> Schema:
    """A parameter of the address."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


PAGE: Final = (ref("limit", "parameters"), ref("cursor", "parameters"))
"""Which part of a list."""

PARAMETERS: Final[Mapping[str, Schema]] = {
    "limit": query(
        "limit",
        # The maximum comes from the code that checks it, so that the document cannot differ.
        {"type": "integer", "minimum": 1, "maximum": PAGE_MAX_LIMIT, "default": PageRequest().limit},
        "How many.",
    ),
    "cursor": query("cursor", TEXT, "The `next` of the page before."),
}
"""By their names in the document."""
