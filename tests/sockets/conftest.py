"""Visitors who stay connected, against the whole application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from asgi.conftest import Shop, serve, shop
from sockets.site import Site

__all__ = ["serve", "shop"]


@pytest.fixture
def site(shop: Shop) -> Iterator[Site]:
    with ExitStack() as sockets:
        yield Site(shop, sockets)
