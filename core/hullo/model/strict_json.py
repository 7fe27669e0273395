"""Strict JSON parsing, so that all readers agree on the meaning (RFC 8259, with the unique keys of I-JSON, RFC
7493)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final, cast

import msgspec

# The white space of RFC 8259 §2, and no other.
_KEY_END: Final = re.compile(rb'"[ \t\n\r]*:')

_decode = msgspec.json.Decoder().decode


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises `ValueError`, with a sentence, for anything else: NaN, a number too large for a float, a duplicate key at any
    depth, NUL, a lone surrogate, text that is not UTF-8, nesting without end.
    """
    try:
        value: Any = _decode(raw)
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object")
        # msgspec lets the last of equal keys win. The end of a key may also occur inside of strings, so the text has
        # at least as many as the value has keys: only where the counts differ is the slower parser needed.
        if len(_KEY_END.findall(raw)) != _count_keys(value):
            json.loads(raw, object_pairs_hook=_reject_duplicate_keys)
        # A raw NUL is invalid JSON already; the escaped text may also follow a backslash, so the value decides.
        if rb"\u0000" in raw and _has_nul(value):
            raise ValueError("must not contain NUL")
    # Deep nesting ends in `RecursionError`: a body of brackets must not be a server error.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("must be a JSON object in UTF-8") from error
    return cast("dict[str, Any]", value)


def _reject_duplicate_keys(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    # Two readers could take different ones of equal keys, and one of them is the check (RFC 8259 §4).
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("must not give a key twice")
    return fields


def _count_keys(value: Any) -> int:
    # `type() is`, not `isinstance`: the decoder makes exact types, and this runs on every body.
    if type(value) is dict:
        children: Collection[Any] = cast("dict[str, Any]", value).values()
        count = len(children)
    else:
        children, count = value, 0
    for child in children:
        if type(child) is dict or type(child) is list:
            count += _count_keys(child)
    return count


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if type(value) is dict and any("\0" in key for key in cast("dict[str, Any]", value)):
        return True
    return any(_has_nul(child) for child in _children(value))


def _children(value: Any) -> Collection[Any]:
    if type(value) is dict:
        return cast("dict[str, Any]", value).values()
    if type(value) is list:
        return cast("Collection[Any]", value)
    return ()
