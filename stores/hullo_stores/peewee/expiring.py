"""Rows that are kept until they expire: a new one takes the place of an expired one, and clears others away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeVar

from peewee import Model

from hullo.model.instant import Instant
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.writes import Column, Write, columns_of, insert_into, name_of

PURGE_FACTOR: Final = 16
"""How many expired rows a new one clears away: more than come in, and too few for a caller to notice."""


class ExpiringRecord(Protocol):
    """Whatever is kept for some time."""

    @property
    def digest(self) -> str:
        """What no two of them share."""
        ...

    @property
    def at(self) -> Instant:
        """When it came to be: whatever has expired by then is gone."""
        ...


T = TypeVar("T", bound=ExpiringRecord)


class ExpiringTable:
    """How the rows of a table are written whose first column is their digest, and `expires_at` their end."""

    def __init__(self, table: type[Model]) -> None:
        name, digest, expires = name_of(table), columns_of(table)[:1], Column("expires_at", "bigint", "<=")
        self._delete_expired_key = Write(verb="delete", table=name, keys=(*digest, expires))
        self._purge = Write(verb="expire", table=name, sets=digest, keys=(expires,))
        self._add = insert_into(table)
        self.writes: Final = (self._delete_expired_key, self._purge, self._add)
        """In the order in which they are done."""

    def rows(self, new: Sequence[T], row_of: Callable[[T], Row]) -> Iterator[tuple[Write, list[Row]]]:
        """What is to be written, and how."""
        if new:
            yield self._delete_expired_key, [(each.digest, each.at) for each in new]
            # What has expired for the earliest has for all: for none of them is anything gone that it had to meet.
            yield self._purge, [(min(each.at for each in new), PURGE_FACTOR * len(new))]
            yield self._add, [row_of(each) for each in new]
