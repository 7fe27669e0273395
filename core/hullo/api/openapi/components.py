"""The schemas of responses, made from their classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from hullo.api.schemas import ResponseBody
from hullo.asgi.json import encode
from hullo.value import Value

_PREFIX: Final = "#/components/schemas/"
_PAGE: Final = re.compile(r"PageResponse_(\w+)Response_")


class ResponseSchemas(Value):
    """The schemas of some response classes, and of all that they refer to."""

    components: Mapping[str, dict[str, Any]]
    """By their names in the document."""
    names: Mapping[type[ResponseBody], str]

    @classmethod
    def of(cls, bodies: Iterable[type[ResponseBody]]) -> ResponseSchemas:
        """Describe these classes."""
        distinct = list(dict.fromkeys(bodies))
        references, components = msgspec.json.schema_components(distinct, ref_template=f"{_PREFIX}{{name}}")
        # Through JSON, as its reader hands over each object within each other one.
        renamed: dict[str, Any] = json.loads(encode(components), object_hook=_with_our_names)
        return ResponseSchemas(
            components={_component_name(name): schema for name, schema in renamed.items()},
            names={
                body: _component_name(reference["$ref"].removeprefix(_PREFIX))
                for body, reference in zip(distinct, references, strict=True)
            },
        )


def _component_name(name: str) -> str:
    """`Contact` for `ContactResponse`, `ContactPage` for a page of them."""
    page = _PAGE.fullmatch(name)
    return f"{page[1]}Page" if page else name.removesuffix("Response")


def _with_our_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Drop titles, which only repeat the names of classes, and refer to components by our names."""
    # Only text: a property may be called `title` too, and is an object here.
    if isinstance(schema.get("title"), str):
        del schema["title"]
    reference: str = schema.get("$ref", "")
    if reference.startswith(_PREFIX):
        schema["$ref"] = _PREFIX + _component_name(reference.removeprefix(_PREFIX))
    return schema
