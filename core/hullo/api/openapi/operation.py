"""Operations: a handler, with what it takes, what it answers, and why it may refuse."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any, Final

from hullo.api.openapi.notation import Schema, ref
from hullo.api.openapi.refusals import Refusal
from hullo.api.parameters import PAGE, QueryParameter
from hullo.api.request import Request
from hullo.api.request_body import RequestBody
from hullo.api.schemas import ResponseBody
from hullo.asgi.response import Response
from hullo.errors import (
    BadOrigin,
    BadRequest,
    Forbidden,
    Invalid,
    KeyRequired,
    NotFound,
    RateLimited,
    SessionRequired,
    SessionRevoked,
    TooLarge,
    Unavailable,
    UnknownApp,
)
from hullo.model.app import Scope
from hullo.value import Value

Handler = Callable[[Request], Awaitable[Response]]
Answer = type[ResponseBody] | str
"""A text names a schema that is written by hand."""
Security = list[dict[str, list[str]]]

ANY_CALLER: Final[Security] = [{"appKey": []}, {"session": []}, {}]
"""`{}`: the body may name the app."""
VISITOR: Final[Security] = [{"session": []}]
VISITOR_WITH_BODY: Final[Security] = [*VISITOR, {}]
"""`{}`: the body may hold the session."""
# Empty and not absent: OpenAPI reads an empty list as no credential needed.
PUBLIC: Final[Security] = []

_PATH_PARAMETER: Final = re.compile(r"(?:(\w+)/)?{(\w+)}")


class Operation(Value):
    """One method of a path."""

    handler: Handler
    summary: str
    security: Security
    answers: tuple[Answer, ...]
    """Several where it depends on the caller."""
    description: str
    query: tuple[QueryParameter[Any], ...]
    """All parameters of the query that the call takes."""
    takes_any_query: bool
    """Whether unknown parameters are ignored: probes of proxies add some against caches."""
    headers: tuple[Schema, ...]
    body: type[RequestBody] | None
    needs_body: bool
    beacon: bool
    """Whether `navigator.sendBeacon` may send it, which can label JSON as nothing but text."""
    discriminator: str | None
    """The constant field that tells several answers apart."""
    refusals: tuple[Refusal, ...]
    """Those that do not follow from what it takes and from who may call it."""
    leads_to: tuple[str, ...]
    """The ids of operations whose path holds an id that is in the answer."""
    leads_by: str
    """The field of the answer that it is in."""

    @property
    def id(self) -> str:
        """Return the name in the document, which is the handler's."""
        return self.handler.__name__

    @property
    def group(self) -> str:
        """Return for whom it is."""
        if not self.security:
            return "Operators"
        return "Servers" if all("apiKey" in way for way in self.security) else "Pages"

    def all_refusals(self, path: str) -> frozenset[Refusal]:
        """Return why a call to this path may be refused."""
        return frozenset((*self.refusals, *self._usual_refusals(path)))

    def _usual_refusals(self, path: str) -> Iterator[Refusal]:
        ways = {name for way in self.security for name in way}
        if not self.takes_any_query:
            yield Invalid
        if self.body is not None:
            yield from (BadRequest, TooLarge)
        if "{id}" in path:
            yield NotFound
        if ways:
            # `RateLimited` for a key too: it limits the guessing of keys.
            yield from (RateLimited, Unavailable)
        if "apiKey" in ways:
            yield from (KeyRequired, Forbidden)
        if "session" in ways:
            yield from (BadOrigin, UnknownApp)
            if "appKey" not in ways:
                yield from (SessionRequired, SessionRevoked)


def operation(
    summary: str,
    *,
    security: Security,
    answers: Answer | tuple[Answer, ...],
    description: str = "",
    query: tuple[QueryParameter[Any], ...] = (),
    takes_any_query: bool = False,
    headers: tuple[Schema, ...] = (),
    body: type[RequestBody] | None = None,
    needs_body: bool = True,
    beacon: bool = False,
    discriminator: str | None = None,
    refusals: tuple[Refusal, ...] = (),
    leads_to: tuple[str, ...] = (),
    leads_by: str = "id",
) -> Callable[[Handler], Operation]:
    """Make an operation of a handler. See `Operation`."""
    return lambda handler: Operation(
        handler=handler,
        summary=summary,
        security=security,
        answers=answers if isinstance(answers, tuple) else (answers,),
        description=description,
        query=query,
        takes_any_query=takes_any_query,
        headers=headers,
        body=body,
        needs_body=needs_body,
        beacon=beacon,
        discriminator=discriminator,
        refusals=refusals,
        leads_to=leads_to,
        leads_by=leads_by,
    )


def by_key(scope: Scope) -> Security:
    """Return that the caller needs an API key with this scope."""
    return [{"apiKey": [scope.value]}]


def path_parameters(path: str, schemas: Collection[str]) -> Iterator[Schema]:
    """Describe the parameters of a path: the `{id}` after `contacts` by the schema `ContactId`, if there is one."""
    for before, name in _PATH_PARAMETER.findall(path):
        thing = f"{before[:-3]}y" if before.endswith("ies") else before.removesuffix("s")
        schema_name = f"{thing.title()}Id"
        is_known = name == "id" and schema_name in schemas
        # OpenAPI has no parameter of several segments: clients escape a slash in it.
        schema = ref(schema_name) if is_known else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


PARAMETERS: Final[Mapping[str, Schema]] = {parameter.name: parameter.described() for parameter in PAGE}
"""By their names in the document."""


def query_parameter(parameter: QueryParameter[Any]) -> Schema:
    """Describe a parameter where an operation takes it."""
    return ref(parameter.name, "parameters") if parameter in PAGE else parameter.described()
