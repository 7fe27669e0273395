"""Pages of lists, newest first, and cursors that say where the next page begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from hullo.store.protocol import Page, PageRequest

MAX_ID_LENGTH = 64


class HasId(Protocol):
    """An item whose id orders it by time."""

    @property
    def id(self) -> str:
        """See `Moment.new_id`."""
        ...


T = TypeVar("T", bound=HasId)


class UnknownCursor(Exception):
    """The cursor belongs to no page of this list, so nothing follows it."""


def parse_cursor(listing: str, request: PageRequest) -> str | None:
    """Return the id after which the page begins; None for the first page. Raises `UnknownCursor`.

    The cursor names its list, so that a cursor of another list is recognised. The item with this id may have been
    erased since.
    """
    if request.cursor is None:
        return None
    name, _, last = request.cursor.partition(":")
    if name != listing or not last or len(last) > MAX_ID_LENGTH or not (last.isascii() and last.isprintable()):
        raise UnknownCursor
    return last


def build_page(listing: str, request: PageRequest, items: Sequence[T]) -> Page[T]:
    """Build a page of `items`, which begin where the page begins and hold one more than its limit if more follow."""
    told = tuple(items[: request.limit])
    more = len(items) > len(told) > 0
    return Page(items=told, next=f"{listing}:{told[-1].id}" if more else None)
