"""What is said of one method of a path: what it is for, what it takes, what it answers, and why it may refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hullo.api.openapi.notation import Schema, ref
from hullo.api.openapi.refusals import Refusal
from hullo.api.parameters import PAGE, QueryParameter
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
    parameters: tuple[Schema | QueryParameter[Any], ...] = ()
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
    takes_any_query: bool = False
    """Whether unknown parameters are ignored: probes of proxies add some against caches."""

    @property
    def query(self) -> tuple[QueryParameter[Any], ...] | None:
        """Return all parameters of the query that the call takes; None where it ignores others."""
        if self.takes_any_query:
            return None
        return tuple(parameter for parameter in self.parameters if isinstance(parameter, QueryParameter))

    @property
    def all_refusals(self) -> tuple[Refusal, ...]:
        """Return why the call may be refused, its query included."""
        return self.refusals if self.takes_any_query else (*self.refusals, Invalid)


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


def describe_parameter(parameter: QueryParameter[Any]) -> Schema:
    """Describe a parameter of the query."""
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema,
    }


PARAMETERS: Final[Mapping[str, Schema]] = {parameter.name: describe_parameter(parameter) for parameter in PAGE}
"""By their names in the document."""


def parameter_object(parameter: Schema | QueryParameter[Any]) -> Schema:
    """Describe a parameter where an operation takes it."""
    if not isinstance(parameter, QueryParameter):
        return parameter
    return ref(parameter.name, "parameters") if parameter in PAGE else describe_parameter(parameter)
