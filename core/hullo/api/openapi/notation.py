"""How the parts of an OpenAPI document are written down here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

Schema = dict[str, Any]
"""A JSON Schema (2020-12), or another object of the document. Never changed once it is made: it may be in several
places."""

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def ref(name: str, kind: str = "schemas") -> Schema:
    """What is written elsewhere in the document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def with_description(schema: Schema, description: str) -> Schema:
    """The same, with a word for people. It may stand beside a `$ref` as well (OpenAPI 3.1, section 4.8.24)."""
    return {**schema, "description": description}


def text(longest: int, description: str = "", **keywords: Any) -> Schema:
    """A text that says something."""
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": longest, **keywords}
    return with_description(schema, description) if description else schema


def one_of(values: Collection[str]) -> Schema:
    """A text out of a short list."""
    return {"type": "string", "enum": list(values)}


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    # A `$ref` has no type that null could be added to.
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    types: str | list[str] = schema["type"]
    nullable: Schema = {**schema, "type": [types, "null"] if isinstance(types, str) else [*types, "null"]}
    # The type alone is not enough: an enum refuses every value that it does not list.
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def listed(schema: Schema) -> Schema:
    """Any number of it."""
    return {"type": "array", "items": schema}


def fields(properties: Mapping[str, Schema], *, required: Collection[str] = ()) -> Schema:
    """An object of these fields and no others."""
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema
