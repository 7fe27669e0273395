"""JSON of request and response bodies."""

from __future__ import annotations

from typing import Any

import msgspec

from hullo.errors import BadRequest
from hullo.model.strict_json import parse_object

_encoder = msgspec.json.Encoder()


encode = _encoder.encode
"""Any value of JSON as UTF-8, objects in the order in which they were made."""


def decode_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises `BadRequest` for whatever `read_object` refuses."""
    try:
        return parse_object(raw)
    except ValueError as error:
        raise BadRequest(f"the body {error}") from error
