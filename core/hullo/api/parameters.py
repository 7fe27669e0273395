"""Query parameters: each is declared once, and read and described from that declaration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote_to_bytes

from hullo.api.openapi.notation import TEXT, Schema, one_of, ref
from hullo.api.request_body import is_plausible_id, printable_name
from hullo.errors import Invalid, Rejection
from hullo.model.claim import CONTROL_CHARACTERS
from hullo.store.protocol import PageRequest
from hullo.value import Value

T = TypeVar("T")

PAGE_MAX_LIMIT: Final = 200
_MAX_PARAMETERS: Final = 50
"""More than any call has; each one costs time before the caller is known."""


class QueryParameter(Value, Generic[T]):
    """A parameter of the query."""

    name: str
    schema: Schema
    description: str
    parse: Callable[[str], T]
    """Converts the text. Raises `ValueError` with the reason for one that cannot be used."""
    default: T
    """The value where the parameter is absent."""
    keeps_plus: bool = False
    """Whether `+` stands for itself, and not for a space as in a form."""
    may_be_empty: bool = False

    def described(self) -> Schema:
        """Describe the parameter in the OpenAPI document."""
        return {"name": self.name, "in": "query", "description": self.description, "schema": self.schema}


def query(name: str, schema: Schema, description: str) -> QueryParameter[str | None]:
    """Declare a parameter that is a text, or one of the schema's `enum`; None where it is absent."""
    return QueryParameter(
        name=name, schema=schema, description=description, parse=_parser_of(schema.get("enum")), default=None
    )


def choice(name: str, values: Collection[str], default: str, description: str) -> QueryParameter[str]:
    """Declare a parameter that is one of these values."""
    return QueryParameter(
        name=name,
        schema={**one_of(values), "default": default},
        description=description,
        parse=_parser_of(values),
        default=default,
    )


def id_query(name: str, schema: str, description: str) -> QueryParameter[str | None]:
    """Declare a parameter that is an id, which the schema with this name describes; None where it is absent."""
    return QueryParameter(name=name, schema=ref(schema), description=description, parse=_parse_id, default=None)


def _parse_id(text: str) -> str:
    if not is_plausible_id(text):
        raise ValueError("must be an id")
    return text


def _parser_of(values: Collection[str] | None) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if values is not None and text not in values:
            raise ValueError("must be " + (" or ".join(values) if len(values) < 3 else f"one of {', '.join(values)}"))
        return text

    return parse


def _parse_limit(text: str) -> int:
    # `isascii`: `isdigit` alone accepts "²", which `int` refuses.
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= PAGE_MAX_LIMIT):
        raise ValueError(f"must be a number from 1 to {PAGE_MAX_LIMIT}")
    return int(text)


LIMIT: Final = QueryParameter(
    name="limit",
    schema={"type": "integer", "minimum": 1, "maximum": PAGE_MAX_LIMIT, "default": PageRequest().limit},
    description="How many.",
    parse=_parse_limit,
    default=PageRequest().limit,
)
CURSOR: Final[QueryParameter[str | None]] = QueryParameter(
    name="cursor",
    schema=TEXT,
    description="The `next` of the page before, of this list and with the same filters; empty for the first page.",
    parse=str,
    default=None,
    may_be_empty=True,
)
PAGE: Final[tuple[QueryParameter[Any], ...]] = (LIMIT, CURSOR)
"""Which part of a list."""


def parse_query(query_string: bytes, declared: Sequence[QueryParameter[Any]]) -> dict[str, Any]:
    """Read the parameters that were sent, by their names.

    Raises `Invalid`, which names every parameter that the call does not know, that is given twice, or whose value
    cannot be used: a mistyped filter must not mean "everything".
    """
    pairs = [pair.partition(b"=") for pair in query_string.split(b"&") if pair]
    if len(pairs) > _MAX_PARAMETERS:
        raise Invalid("there are too many parameters")
    by_name = {parameter.name: parameter for parameter in declared}
    # All faults in one answer, so that the caller corrects them together.
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for raw_name, _, raw_value in pairs:
        name = _decode(raw_name.replace(b"+", b" ")) or ""
        parameter = by_name.get(name)
        if parameter is None:
            faults[printable_name(name)] = _unknown(by_name)
        # Two readers would take different ones: the check of a proxy the first, hullo the last.
        elif name in values or name in faults:
            faults[name] = "is given twice"
        else:
            try:
                values[name] = _value_of(parameter, raw_value)
            except ValueError as error:
                faults[name] = str(error)
    if faults:
        raise Invalid("a parameter is wrong", [Rejection(field=name, reason=reason) for name, reason in faults.items()])
    return values


def _value_of(parameter: QueryParameter[T], raw: bytes) -> T:
    text = _decode(raw if parameter.keeps_plus else raw.replace(b"+", b" "))
    # A replacement character in its place would find nothing, without a reason.
    if text is None:
        raise ValueError("is not valid UTF-8")
    # Absent and empty are not the same: an empty variable in a caller's code must not list everything.
    if not text and not parameter.may_be_empty:
        raise ValueError("is empty; leave it out instead")
    # No stored value has control characters, and PostgreSQL takes no NUL in a text.
    if CONTROL_CHARACTERS.search(text):
        raise ValueError("has control characters")
    return parameter.parse(text)


def _decode(raw: bytes) -> str | None:
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None


def _unknown(known: Mapping[str, object]) -> str:
    return f"unknown parameter; this call takes {', '.join(known) or 'none'}"
