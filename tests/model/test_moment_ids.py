"""What an id tells of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo.model.request_context import RequestContext, timestamp_of


@given(st.integers(0, 2**60 - 1), st.integers(0, 1023))
def test_id_reveals_its_creation_time(now: int, ordinal: int):
    assert timestamp_of(RequestContext.at(now).new_id("msg", ordinal)) == now


@pytest.mark.parametrize(
    "text", ["", "msg_", "msg_" + "0" * 25, "msg_" + "0" * 27, "msg_" + "u" * 26, "msg_" + "é" * 26]
)
def test_invalid_id_has_no_creation_time(text: str):
    assert timestamp_of(text) is None
