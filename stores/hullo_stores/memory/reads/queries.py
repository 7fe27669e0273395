"""What the reads share: the tables under their lock, and pages of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

from hullo.store.protocol import Page, PageRequest
from hullo_stores.memory.tables import Tables
from hullo_stores.paging import HasId, UnknownCursor, build_page, parse_cursor

T = TypeVar("T", bound=HasId)


class MemoryQueries:
    """The tables of the store, to be read under its lock."""

    def _locked(self) -> AbstractContextManager[Tables]:
        """Hold the lock; no other thread reads or writes meanwhile. Raises `StoreUnavailable` unless the store is
        open."""
        raise NotImplementedError


def newest_first(items: Iterable[T]) -> tuple[T, ...]:
    """Sort items by id, newest first."""
    return tuple(sorted(items, key=lambda item: item.id, reverse=True))


def page_where(listing: str, request: PageRequest, items: Iterable[T], matches: Callable[[T], bool]) -> Page[T]:
    """Return a page of the items that match. An unknown cursor gives an empty page."""
    try:
        last = parse_cursor(listing, request)
    except UnknownCursor:
        return Page(items=(), next=None)
    rest = (item for item in items if (last is None or item.id < last) and matches(item))
    return build_page(listing, request, newest_first(rest))
