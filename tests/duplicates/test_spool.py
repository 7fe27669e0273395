"""Numbers in a temporary file, told in their order."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo_plugins.duplicates import spool
from hullo_plugins.duplicates.spool import ExternalSorter


@given(st.data(), st.integers(1, 1 << 64), st.integers(1, 5))
def test_added_numbers_return_once_in_order(data: st.DataObject, limit: int, at_once: int) -> None:
    numbers = data.draw(st.lists(st.integers(0, limit - 1), max_size=60))
    with pytest.MonkeyPatch.context() as patch, closing(ExternalSorter(limit)) as spooled:
        patch.setattr(spool, "WRITE_BATCH", at_once)
        spooled.add(numbers[:30])
        spooled.add(numbers[30:])
        parts = [*spooled.sorted_partitions()]
    assert [number for part in parts for number in part] == sorted(numbers)
    assert spooled.count == len(numbers)
    assert len(parts) == spool.PARTITIONS


def test_empty_spool_yields_nothing() -> None:
    with closing(ExternalSorter(0)) as spooled:
        assert not any(spooled.sorted_partitions())


def test_file_is_removed_with_the_spool() -> None:
    spooled = ExternalSorter(1)
    close = spooled.close
    assert close.alive
    del spooled
    assert not close.alive
