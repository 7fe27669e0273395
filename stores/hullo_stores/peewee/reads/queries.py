"""What the reads share: an engine, its compiler, and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hullo.store.protocol import Page, PageRequest
from hullo_stores.paging import HasId, UnknownCursor, build_page, parse_cursor
from hullo_stores.peewee.compiler import Compiler, PageStatement
from hullo_stores.peewee.connection import Connection, Engine
from hullo_stores.peewee.rows.encoding import Row

T = TypeVar("T", bound=HasId)


class Queries:
    """Run reads on an engine. Statements are compiled once for each kind of engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._compiler = Compiler(engine.database, engine.dialect)

    def _rows(self, text: str, *values: object) -> list[Row]:
        with self._engine.autocommit_connection() as connection:
            return connection.rows(text, values)

    def _page(
        self,
        listing: str,
        request: PageRequest,
        item_of: Callable[[Row], T],
        statement: PageStatement,
        *values: object,
    ) -> Page[T]:
        with self._engine.autocommit_connection() as connection:
            rows = fetch_page(connection, listing, request, statement, values)
        return build_page(listing, request, [item_of(row) for row in rows])


def fetch_page(
    connection: Connection,
    listing: str,
    request: PageRequest,
    statement: PageStatement,
    values: Sequence[object],
    *,
    key_of: Callable[[str], object] = str,
) -> list[Row]:
    """Return one row more than the page holds, which shows whether another page follows.

    `key_of` converts the last id to the table's key, or raises `UnknownCursor`.
    """
    try:
        last = parse_cursor(listing, request)
        if last is None:
            return connection.rows(statement.first, (*values, request.limit + 1))
        return connection.rows(statement.next, (*values, key_of(last), request.limit + 1))
    except UnknownCursor:
        return []
