"""JSON, read strictly: one reading of it, whoever reads it after us (RFC 8259, with I-JSON's unique keys, RFC 7493)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, Final, cast

import msgspec

_KEY_END: Final = re.compile(rb'"[ \t\n\r]*:')

_decode = msgspec.json.Decoder().decode


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`.

    Raises `ValueError`, with a sentence, for anything else: NaN, a number that no float holds, a key given twice at
    any depth, NUL, a lone surrogate, text that is not UTF-8, nesting without end.
    """
    try:
        value: Any = _decode(raw)
        if not isinstance(value, dict):
            raise ValueError("must be a JSON object")
        # msgspec lets the last of equal keys win. Whatever ends a key also occurs in the text, perhaps more often,
        # inside of strings: only where the counts differ is it worth a second, slower look.
        if len(_KEY_END.findall(raw)) != _count_keys(value):
            json.loads(raw, object_pairs_hook=_reject_duplicate_keys)
        if rb"\u0000" in raw and _has_nul(value):
            raise ValueError("must not contain NUL")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("must be a JSON object in UTF-8") from error
    return cast("dict[str, Any]", value)


def _reject_duplicate_keys(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("must not give a key twice")
    return fields


def _count_keys(value: Any) -> int:
    if type(value) is dict:
        children: Collection[Any] = cast("dict[str, Any]", value).values()
        count = len(children)
    else:
        children, count = value, 0
    for each in children:
        if type(each) is dict or type(each) is list:
            count += _count_keys(each)
    return count


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if type(value) is dict and any("\0" in key for key in cast("dict[str, Any]", value)):
        return True
    return any(_has_nul(each) for each in _children(value))


def _children(value: Any) -> Collection[Any]:
    if type(value) is dict:
        return cast("dict[str, Any]", value).values()
    if type(value) is list:
        return cast("Collection[Any]", value)
    return ()
