"""Rows and INSERT statements by hullo's own tables, so that a column which may be empty changes nothing here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import BigAutoField

from hullo_stores.peewee.compiler import fields_of
from hullo_stores.peewee.search.grams import gram_numbers
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of

COLUMNS: dict[str, tuple[str, ...]] = {
    name_of(table): tuple(field.column_name for field in fields_of(table) if not isinstance(field, BigAutoField))
    for table in TABLES
}
"""Without those that the database numbers by itself."""


def row_of(table: str, **values: Any) -> tuple[Any, ...]:
    """A row in the order of the table's columns; NULL where there is no value."""
    columns = COLUMNS[table]
    if unknown := values.keys() - set(columns):
        raise TypeError(f"{table} has no column {', '.join(sorted(unknown))}")
    return tuple(map(values.get, columns))


def columns_of(table: str) -> str:
    """The names as SQL: some are keywords."""
    return ", ".join(f'"{column}"' for column in COLUMNS[table])


def insert_into(table: str, mark: str = "%s") -> str:
    return f"INSERT INTO {table} ({columns_of(table)}) VALUES ({', '.join(mark for _ in COLUMNS[table])})"


def gram_rows(search: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The trigrams of a row of `contact_search`, for an engine without an index of substrings."""
    found = dict(zip(COLUMNS["contact_search"], search, strict=True))
    return [
        row_of("contact_gram", gram=gram, contact_id=found["contact_id"])
        for gram in sorted(gram_numbers(found["text"]))
    ]
