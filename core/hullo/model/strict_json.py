"""Strict JSON parsing, so that all readers agree on the meaning (RFC 8259, with the unique keys of I-JSON, RFC
7493)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Final, cast

import msgspec

# The white space of RFC 8259 §2, and no other.
_KEY_END: Final = re.compile(rb'"[ \t\n\r]*:')
# Possessive, and with the text that never ends as a token: else each quote in it would begin another search.
_BRACKETS_AND_TEXTS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|\[+|\{+|\]+|\}+', re.DOTALL)
_MAX_TOKENS: Final = 20_000
"""What is read of a deep body, so that none holds up the others for long."""

MAX_DEPTH: Final = 64
"""Of a body about a person: far more than any field has, and no parser ends at it."""

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


def parse_person(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object about a person, of which one bad field is to lose only itself (W8).

    Unlike `parse_object` it leaves NUL and lone surrogates in the texts, for the reader of each field to refuse, and
    replaces what is nested deeper than `MAX_DEPTH`, which no field may be, by empty arrays. Raises `ValueError` for all
    the rest.
    """
    try:
        return parse_object(raw)
    except ValueError as error:
        try:
            value: Any = json.loads(
                _without_deep_values(raw).decode(),
                object_pairs_hook=_reject_duplicate_keys,
                parse_constant=_finite,
                parse_float=_finite,
            )
        except _DuplicateKey:
            raise
        # The first reason, as this one may quote the body (P4).
        except (ValueError, RecursionError):
            raise error from error.__cause__
        if not isinstance(value, dict):
            raise
        return cast("dict[str, Any]", value)


def is_clean(value: object) -> bool:
    """Return whether no text in the value has a NUL or a lone surrogate, which no store takes."""
    try:
        return not _has_nul(value) and bool(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False


def _without_deep_values(raw: bytes) -> bytes:
    """Replace the values at `MAX_DEPTH` by empty arrays. Their own faults are not found, since they are dropped."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return raw
    parts, depth, end = list[bytes](), 0, 0
    for token in islice(_BRACKETS_AND_TEXTS.finditer(raw), _MAX_TOKENS):
        bracket, before = token[0][:1], depth
        if bracket == b'"':
            continue
        depth += len(token[0]) if bracket in b"[{" else -len(token[0])
        if before <= MAX_DEPTH < depth:
            parts += (raw[end : token.start() + MAX_DEPTH - before], b"[]")
        elif depth <= MAX_DEPTH < before:
            end = token.end() - (MAX_DEPTH - depth)
    # Brackets that never close leave a text that is no JSON, which the parser refuses.
    return b"".join(parts) + (raw[end:] if depth <= MAX_DEPTH else b"")


def _finite(text: str) -> float:
    # Of `NaN` and `Infinity` too, which are no JSON and which Python would read.
    if not math.isfinite(number := float(text)):
        raise ValueError("must not have numbers that are not finite")
    return number


class _DuplicateKey(ValueError):
    """A key comes twice in one object."""


def _reject_duplicate_keys(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    # Two readers could take different ones of equal keys, and one of them is the check (RFC 8259 §4).
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _DuplicateKey("must not give a key twice")
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
