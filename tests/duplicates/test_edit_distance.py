"""Texts that are one slip apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo_plugins.duplicates.edit_distance import Edit, deletions, single_edit, single_edits

texts = st.text("abc1", max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "slip"),
    [
        ("anna", "annas", Edit(4, "", "s")),
        ("anna", "ana", Edit(2, "n", "")),
        ("smith", "smyth", Edit(2, "i", "y")),
        ("gmial", "gmail", Edit(2, "ia", "ai")),
        ("a", "", Edit(0, "a", "")),
    ],
)
def test_slip_is_found_with_its_place(first: str, second: str, slip: Edit) -> None:
    assert single_edit(first, second) == slip


@pytest.mark.parametrize(
    ("first", "second"),
    [("anna", "anna"), ("anna", "anne s"), ("abc", "bca"), ("abcd", "badc"), ("ab", "abcd"), ("anna", "otto")],
)
def test_equal_or_distant_texts_have_no_slip(first: str, second: str) -> None:
    assert single_edit(first, second) is None


@given(texts, texts)
def test_slip_is_symmetric(first: str, second: str) -> None:
    there, back = single_edit(first, second), single_edit(second, first)
    assert there == (back and Edit(back.position, back.second, back.first))


@given(texts, texts, st.integers(0, 2))
def test_texts_one_slip_apart_share_shortened_form(first: str, second: str, since: int) -> None:
    slip = single_edit(first, second)
    if slip is not None and slip.position >= since and not slip.has_digits:
        assert {first, *deletions(first, since)} & {second, *deletions(second, since)}


@given(texts, texts, st.integers(0, 2))
def test_every_slip_without_digits_is_listed(first: str, second: str, since: int) -> None:
    slip = single_edit(first, second)
    if slip is not None and slip.position >= since and not slip.has_digits:
        assert second in set(single_edits(first, since))


@given(texts, st.integers(0, 2))
def test_listed_slips_keep_digits_and_prefix(text: str, since: int) -> None:
    for other in set(single_edits(text, since)) - {text}:
        slip = single_edit(text, other)
        assert slip is not None
        assert other.startswith(text[:since])
        assert [each for each in other if each.isdigit()] == [each for each in text if each.isdigit()]
