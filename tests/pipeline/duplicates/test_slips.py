"""Texts that are one slip apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo.pipeline.duplicates.slips import Slip, shortened, slip_between, slipped

texts = st.text("abc1", max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "slip"),
    [
        ("anna", "annas", Slip(4, "", "s")),
        ("anna", "ana", Slip(2, "n", "")),
        ("smith", "smyth", Slip(2, "i", "y")),
        ("gmial", "gmail", Slip(2, "ia", "ai")),
        ("a", "", Slip(0, "a", "")),
    ],
)
def test_a_slip_is_found_with_its_place(first: str, second: str, slip: Slip) -> None:
    assert slip_between(first, second) == slip


@pytest.mark.parametrize(
    ("first", "second"),
    [("anna", "anna"), ("anna", "anne s"), ("abc", "bca"), ("abcd", "badc"), ("ab", "abcd"), ("anna", "otto")],
)
def test_what_is_equal_or_further_apart_is_no_slip(first: str, second: str) -> None:
    assert slip_between(first, second) is None


@given(texts, texts)
def test_a_slip_is_the_same_from_both_sides(first: str, second: str) -> None:
    there, back = slip_between(first, second), slip_between(second, first)
    assert there == (back and Slip(back.at, back.second, back.first))


@given(texts, texts, st.integers(0, 2))
def test_whoever_is_one_slip_apart_meets_in_a_shorter_text(first: str, second: str, since: int) -> None:
    slip = slip_between(first, second)
    if slip is not None and slip.at >= since and not slip.digits:
        assert {first, *shortened(first, since)} & {second, *shortened(second, since)}


@given(texts, texts, st.integers(0, 2))
def test_every_slip_that_is_not_about_digits_can_be_listed(first: str, second: str, since: int) -> None:
    slip = slip_between(first, second)
    if slip is not None and slip.at >= since and not slip.digits:
        assert second in set(slipped(first, since))


@given(texts, st.integers(0, 2))
def test_what_is_listed_is_one_slip_apart_and_leaves_digits_and_the_beginning_alone(text: str, since: int) -> None:
    for other in set(slipped(text, since)) - {text}:
        slip = slip_between(text, other)
        assert slip is not None
        assert other.startswith(text[:since])
        assert [each for each in other if each.isdigit()] == [each for each in text if each.isdigit()]
