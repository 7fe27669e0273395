"""Lists that are read to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from hullo.store.protocol import Page, PageRequest

Item = TypeVar("Item")

AT_ONCE: Final = 200
"""How many are asked for at each look."""


def every(listed: Callable[[PageRequest], Page[Item]], at_once: int = AT_ONCE) -> Iterator[Item]:
    """Every item of every page, in the order of the list. What is added in front meanwhile is left out."""
    cursor: str | None = None
    while True:
        page = listed(PageRequest(limit=at_once, cursor=cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
