"""What is read from a body, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo.api import bodies
from hullo.asgi.json import decode_object
from hullo.errors import BadRequest, Invalid
from hullo.model.limits import Limits

BAD = {
    "nothing": b"",
    "white space": b"  ",
    "null": b"null",
    "an array": b'[{"email": "jane@example.com"}]',
    "a text": b'"email"',
    "a number": b"7",
    "true": b"true",
    "a hundred thousand brackets": b"[" * 100_000,
    "objects without end": b'{"a":' * 20_000,
    "nested too deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a key twice": b'{"email": "a@x.test", "email": "b@x.test"}',
    "a key twice, once with space": b'{"a":1, "a" :2}',
    "a key twice in other letters": b'{"a":1, "\\u0061":2}',
    "a key twice, further down": b'{"custom_data": {"plan": 1, "plan": 2}}',
    "a key twice, in a list": b'{"x": [{"a":1},{"a":1,"a":2}]}',
    "a key twice, hidden by a text": b'{"a": "\\":", "b": 1, "b": 2}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number that no float holds": b'{"a": 1e999}',
    "an escaped NUL": b'{"a": "\\u0000"}',
    "an escaped NUL in a key": b'{"\\u0000": 1}',
    "an escaped NUL further down": b'{"a": [{"b": "x\\u0000"}]}',
    "a NUL": b'{"a": "\x00"}',
    "a NUL after it": b'{"a": 1}\x00',
    "invalid UTF-8": b'{"a": "\xff"}',
    "invalid UTF-8 in a key": b'{"\xff": 1}',
    "overlong UTF-8": b'{"a": "\xc0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"a": "\\ud800"}',
    "half a pair": b'{"a": "\\udc00x"}',
    "a trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "a comment": b'{"a": 1} // x',
    "two objects": b'{"a": 1}{"b": 2}',
    "a form": b"email=jane%40example.com",
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_non_object_json_is_refused(raw):
    with pytest.raises(BadRequest):
        decode_object(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": "\\":\\" :"}', {"a": '":" :'}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b' {"a" : {"a" : [{"a": {}}]} }\n', {"a": {"a": [{"a": {}}]}}),
        ('{"ключ": "значение 😀"}'.encode(), {"ключ": "значение 😀"}),
        (
            b'{"a": "\\ud83d\\ude00", "b": 123456789012345678901234567890}',
            {"a": "😀", "b": 123456789012345678901234567890},
        ),
    ],
)
def test_odd_but_valid_json_is_read(raw, value):
    assert decode_object(raw) == value


def _strictly(raw: bytes) -> dict[str, Any] | None:
    """The same verdict from the standard library, slowly."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    def never(text: str) -> Any:
        raise ValueError(text)

    def finite(text: str) -> float:
        number = float(text)
        if number in {float("inf"), float("-inf")}:
            raise ValueError(text)
        return number

    try:
        value = json.loads(raw.decode(), object_pairs_hook=unique, parse_constant=never, parse_float=finite)
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and "\\u0000" not in text.replace("\\\\", "") else None


SCALARS = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['":', '" :', "\\", '{"a":1}'])
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.binary(max_size=60) | st.dictionaries(TEXTS, VALUES, max_size=4).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_object_or_bad_request(raw):
    expected = _strictly(raw)
    try:
        value = decode_object(raw)
    except BadRequest:
        assert expected is None
    else:
        assert value == expected


PIECES = st.sampled_from(['"a"', '"b"', ":", " :", ",", "{", "}", "[", "]", '"\\":"', "1", "null", " "])


@given(st.lists(PIECES, max_size=14).map(lambda pieces: ("{" + "".join(pieces) + "}").encode()))
def test_duplicate_keys_are_refused(raw):
    expected = _strictly(raw)
    try:
        value = decode_object(raw)
    except BadRequest:
        assert expected is None
    else:
        assert value == expected


@pytest.mark.parametrize("text", [None, 7, ["x"], {}, "", "  \n", "x" * 8001, "a\x07b", "a\x9fb"])
def test_message_without_text_is_invalid(text):
    with pytest.raises(Invalid) as refused:
        bodies.MessageBody.parse(json.dumps({"text": text}).encode(), Limits())
    assert [each.field for each in refused.value.rejected] == ["text"]


@pytest.mark.parametrize("client_id", ["", 7, [], "x" * 129, "a\nb"])
def test_client_id_must_be_short_text(client_id):
    with pytest.raises(Invalid) as refused:
        bodies.MessageBody.parse(json.dumps({"text": "hello", "client_id": client_id}).encode(), Limits())
    assert [each.field for each in refused.value.rejected] == ["client_id"]


def test_message_may_have_lines_and_tabs():
    body = bodies.MessageBody.parse(json.dumps({"text": "a\n\tb\r\n😀", "client_id": None}).encode(), Limits())
    assert (body.text, body.client_id) == ("a\n\tb\r\n😀", None)
    assert bodies.MessageBody.parse(json.dumps({"text": "x" * 8000}).encode(), Limits())
