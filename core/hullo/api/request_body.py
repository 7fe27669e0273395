"""Bodies of requests as classes: their fields read what was sent, and describe it in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, ClassVar, Final, Self, cast, get_args, get_type_hints

from msgspec.structs import fields as struct_fields

from hullo.api.openapi.notation import FLAG, Schema, fields, one_of, or_null, text, with_description
from hullo.asgi.json import decode_object
from hullo.errors import Invalid, Rejection
from hullo.model.claim import CONTROL_EXCEPT_NEWLINES
from hullo.model.limits import Limits
from hullo.value import Value

ID_MAX_LENGTH: Final = 64
_SHOWN_NAME_LENGTH: Final = 64


class BodyField(Value, kw_only=False):
    """How a field of a body is described and read. `class Note(RequestBody)` has `text: Annotated[str, BodyField(…)]`.

    A lambda in such an annotation sees no name of its module: it is evaluated among the names of the class.

    `read` takes any JSON value, null only where the field is required. It raises `ValueError` with the reason for one
    that cannot be used.
    """

    schema: Callable[[Limits], Schema]
    read: Callable[[Any, Limits], Any]


class RequestBody(Value):
    """The JSON object of a request. A field with a default may be left out, and null is the same as absent."""

    summary: ClassVar[str] = ""
    """What the document says of all of it."""

    @classmethod
    def parse(cls, raw: bytes, limits: Limits) -> Self:
        """Decode a body. Raises `BadRequest`, and `Invalid` with every fault of its fields."""
        sent, known = decode_object(raw), _fields_of(cls)
        # The first alone: what a body makes up is not to be repeated at length.
        for name in sent:
            if name not in known:
                raise invalid_field(printable_name(name), "unknown field")
        values: dict[str, Any] = {}
        faults: list[Rejection] = []
        for name, (field, required) in known.items():
            if required or sent.get(name) is not None:
                try:
                    values[name] = field.read(sent.get(name), limits)
                except ValueError as error:
                    faults.append(Rejection(field=name, reason=str(error)))
        if faults:
            raise Invalid(Invalid.invalid_fields_detail, faults)
        return cls(**values)

    @classmethod
    def parse_optional(cls, raw: bytes, limits: Limits) -> Self:
        """Decode a body that may be left out, where every field has a default. Raises what `parse` does."""
        return cls.parse(raw, limits) if raw else cls()

    @classmethod
    def field_schemas(cls, limits: Limits) -> dict[str, Schema]:
        """Describe the fields, by their names."""
        described = {name: (field.schema(limits), required) for name, (field, required) in _fields_of(cls).items()}
        return {name: schema if required else or_null(schema) for name, (schema, required) in described.items()}

    @classmethod
    def described(cls, limits: Limits) -> Schema:
        """Describe the body in the OpenAPI document."""
        required = [name for name, (_, required) in _fields_of(cls).items() if required]
        schema = fields(cls.field_schemas(limits), required=required)
        return with_description(schema, cls.summary) if cls.summary else schema


@cache
def _fields_of(body: type[RequestBody]) -> Mapping[str, tuple[BodyField, bool]]:
    """Return the field and whether it is required, by name."""
    required = {info.name: info.required for info in struct_fields(body)}
    return {
        name: (_field_of(hint), required[name])
        for name, hint in get_type_hints(body, include_extras=True).items()
        if name in required
    }


def _field_of(hint: Any) -> BodyField:
    """Find the field in `Annotated[…]`, or in a union with None."""
    parts = getattr(hint, "__metadata__", None) or get_args(get_args(hint)[0])
    return next(part for part in parts if isinstance(part, BodyField))


def checked(
    schema: Schema, is_valid: Callable[[Any], bool], reason: str, convert: Callable[[Any], Any] = lambda value: value
) -> BodyField:
    """Declare a field of any kind, with the reason why a value is refused."""

    def read(value: Any, limits: Limits) -> Any:  # noqa: ARG001 - the same within all limits
        if not is_valid(value):
            raise ValueError(reason)
        return convert(value)

    return BodyField(lambda _: schema, read)


def lenient(schema: Schema, convert: Callable[[Any], Any]) -> BodyField:
    """Declare a field of which every value is taken."""
    return BodyField(lambda _: schema, lambda value, _: convert(value))


def flag(description: str) -> BodyField:
    """Declare a field that is true or false."""
    return checked(with_description(FLAG, description), lambda value: isinstance(value, bool), "must be true or false")


def choice(values: Collection[str], description: str) -> BodyField:
    """Declare a field that is one of these texts."""
    return checked(
        with_description(one_of(values), description),
        # The type first: a list has no hash.
        lambda value: isinstance(value, str) and value in values,
        f"must be one of {', '.join(values)}",
    )


def lines(limit: str, description: str = "") -> BodyField:
    """Declare a text of any number of lines; `limit` names its greatest length in `Limits`."""

    def read(value: object, limits: Limits) -> str:
        if fault := _text_fault(value, getattr(limits, limit)):
            raise ValueError(fault)
        return cast("str", value)

    return BodyField(lambda limits: text(getattr(limits, limit), description, pattern=r"\S"), read)


def _text_fault(value: object, max_length: int) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if not value.strip():
        return "is empty"
    if len(value) > max_length:
        return f"longer than {max_length} characters"
    return "has control characters" if CONTROL_EXCEPT_NEWLINES.search(value) else None


def is_plausible_id(text: str) -> bool:
    """Whether it is worth asking a store for the thing with this id."""
    return len(text) <= ID_MAX_LENGTH and text.isascii() and text.replace("_", "").isalnum()


def invalid_field(field: str, reason: str) -> Invalid:
    """Make the error of a call of which one field alone is wrong."""
    return Invalid(Invalid.invalid_fields_detail, [Rejection(field=field, reason=reason)])


def printable_name(name: str) -> str:
    """Shorten a name that the caller made up, for an error that names it."""
    # Unprintable characters could change the terminal that shows the error; 64 are enough to find the field.
    return "".join(char if char.isprintable() else "?" for char in name[:_SHOWN_NAME_LENGTH])
