"""The memory store."""

from pathlib import Path

import pytest

from hullo.errors import SettingsError
from hullo.store.protocol import Store
from hullo.testing import StoreContract
from hullo_stores.memory.store import open_memory


class TestMemory(StoreContract):
    locking = True

    def make_store(self, folder: Path) -> Store:
        return open_memory("memory:")


@pytest.mark.parametrize("url", ["memory:", "memory://", "memory:///"])
def test_memory_url_is_only_its_scheme(url: str):
    open_memory(url)


@pytest.mark.parametrize("url", ["memory:///a.db", "memory:?size=3"])
def test_path_or_parameter_is_refused(url: str):
    with pytest.raises(SettingsError, match="no path and no parameters"):
        open_memory(url)


def test_memory_stores_share_nothing():
    assert open_memory("memory:") is not open_memory("memory:")
