"""Pages of lists that are told newest first, and cursors: where the next page begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from hullo.store.protocol import Page, PageRequest

MAX_ID_LENGTH = 64


class HasId(Protocol):
    """Whatever has an id that orders it by time."""

    @property
    def id(self) -> str:
        """See `Moment.new_id`."""
        ...


T = TypeVar("T", bound=HasId)


class UnknownCursor(Exception):
    """The cursor is of no page of this list: there is nothing after it."""


def parse_cursor(listing: str, request: PageRequest) -> str | None:
    """The id after which the page begins; None for the first page. Raises `UnknownCursor`.

    The name of the list stands in the cursor, so that one of another list is recognised. What the id names
    may have been erased since.
    """
    if request.cursor is None:
        return None
    name, _, last = request.cursor.partition(":")
    if name != listing or not last or len(last) > MAX_ID_LENGTH or not (last.isascii() and last.isprintable()):
        raise UnknownCursor
    return last


def build_page(listing: str, request: PageRequest, items: Sequence[T]) -> Page[T]:
    """A page of `items`, which begin where it begins and hold one more than its limit when there is more."""
    told = tuple(items[: request.limit])
    more = len(items) > len(told) > 0
    return Page(items=told, next=f"{listing}:{told[-1].id}" if more else None)
