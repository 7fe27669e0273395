"""What the reads share: a connection, and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hullo.store.protocol import Page, PageRequest
from hullo_stores.paging import Listed, UnknownCursor, last_told, page_of
from hullo_stores.peewee.compiler import Compiler, Paged
from hullo_stores.peewee.connection import Connection, Engine
from hullo_stores.peewee.rows import Row

T = TypeVar("T", bound=Listed)


class Asking:
    """Whoever has an engine. Statements are compiled with the first of its kind."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._compiler = Compiler(engine.database, engine.dialect)

    def _rows(self, text: str, *values: object) -> list[Row]:
        with self._engine.asking() as connection:
            return connection.rows(text, values)

    def _page(
        self,
        listing: str,
        request: PageRequest,
        item_of: Callable[[Row], T],
        statement: Paged,
        *values: object,
    ) -> Page[T]:
        with self._engine.asking() as connection:
            rows = page_rows(connection, listing, request, statement, values)
        return page_of(listing, request, [item_of(row) for row in rows])


def page_rows(
    connection: Connection,
    listing: str,
    request: PageRequest,
    statement: Paged,
    values: Sequence[object],
    *,
    key_of: Callable[[str], object] = str,
) -> list[Row]:
    """One more than the page holds, which tells whether there is another page. `key_of` makes of the last id what the
    table has for it, or raises `UnknownCursor`."""
    try:
        last = last_told(listing, request)
        if last is None:
            return connection.rows(statement.first, (*values, request.limit + 1))
        return connection.rows(statement.next, (*values, key_of(last), request.limit + 1))
    except UnknownCursor:
        return []
