"""JSON of request and response bodies."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from typing import Any

import msgspec

from hullo.errors import BadRequest
from hullo.model.strict_json import parse_object

_encoder = msgspec.json.Encoder()


encode = _encoder.encode
"""Encodes a JSON value as UTF-8, with objects in insertion order."""


def encode_any(value: object) -> bytes:
    """Encode a JSON value that may hold lone surrogates, as escapes."""
    try:
        return encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def without_mark(raw: bytes) -> bytes:
    """Remove the byte order mark, which RFC 8259 §8.1 lets readers ignore: editors and PowerShell write one."""
    return raw.removeprefix(BOM_UTF8)


def decode_object(raw: bytes) -> dict[str, Any]:
    """Decode the JSON object of a body. Raises `BadRequest` where `parse_object` raises `ValueError`."""
    try:
        # The sentences of `parse_object` quote nothing of the body, so the caller and the log may see them (P4).
        return parse_object(without_mark(raw))
    except ValueError as error:
        raise BadRequest(f"the body {error}") from error
