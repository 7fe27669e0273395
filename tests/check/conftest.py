"""Most of what the tool says depends on no store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from check.site import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.hullo.close()
