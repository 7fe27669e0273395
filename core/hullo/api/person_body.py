"""Decodes bodies about a person, of which one bad field loses only itself (W8)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from hullo.asgi.json import encode_any, without_mark
from hullo.errors import BadRequest, TooLarge
from hullo.model.claim import CUSTOM_DATA, OVERSIZED
from hullo.model.limits import Limits
from hullo.model.strict_json import is_clean, parse_object, parse_person

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

# They name who calls and for what, so they are looked up before any field is judged.
_ENVELOPE_TEXTS: Final = ("app_key", "app_id", "session_token", "origin")


def decode_person(raw: bytes, limits: Limits) -> dict[str, Any]:
    """Decode the JSON object of a body about a person.

    Faults inside of its texts are left to the claim, which names the field (W8). Custom data that makes the body larger
    than `body_bytes` becomes `OVERSIZED`, which the claim refuses as one field. Raises `BadRequest`, and `TooLarge`
    where the body is too large without it (W10).
    """
    raw = without_mark(raw)
    # Few bodies have a fault, and only those are looked at closely.
    if len(raw) <= limits.body_bytes:
        with suppress(ValueError):
            return parse_object(raw)
    try:
        body = parse_person(raw)
    except ValueError as error:
        # Nothing tells which part of it would be the custom data.
        if len(raw) > limits.body_bytes:
            raise body_too_large(limits.body_bytes) from error
        raise BadRequest(f"the body {error}") from error
    if len(raw) > limits.body_bytes:
        if size_without_custom_data(raw, body) > limits.body_bytes:
            raise body_too_large(limits.body_bytes)
        body[CUSTOM_DATA] = OVERSIZED
    for name in _ENVELOPE_TEXTS:
        # No text: each reader refuses that in its own way, and none looks it up.
        if name in body and not is_clean(body[name]):
            body[name] = False
    return body


def size_without_custom_data(raw: bytes, body: Mapping[str, object], *path: str) -> int:
    """Measure the rest of a body, or of a frame whose body stands at `path`, in bytes."""
    rest = memoryview(raw)
    try:
        # As sent, with its white space: what counts is what the sender made large.
        for name in (*path, CUSTOM_DATA):
            rest = memoryview(_decode_fields(rest).get(name, b""))
        return len(raw) - len(rest)
    # What only Python reads, as half an emoji, is measured by what it is written as.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return len(raw) - len(encode_any(body.get(CUSTOM_DATA)))


def body_too_large(limit: int) -> TooLarge:
    """Make the error of a body over the limit."""
    return TooLarge(f"the body is over {limit} bytes")
