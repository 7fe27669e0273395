"""Nouns of which each is one row: how a change set has them written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from peewee import Model

from hullo.model.change_set import Change, ChangeSet, Versioned
from hullo.model.instant import Instant
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.writes import Column, Write, columns_of, insert_into, name_of, replace_in

T = TypeVar("T", bound=Versioned)
V = TypeVar("V")


class WritableTable(Protocol):
    """The nouns of one table."""

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """What a change set has written, and how."""
        ...


class VersionedTable(Generic[T]):
    """Nouns that may change: compared with what they were, and replaced."""

    def __init__(
        self, table: type[Model], of: Callable[[ChangeSet], Iterable[Change[T]]], row_of: Callable[[T], Row]
    ) -> None:
        self.add, self.replace = insert_into(table), replace_in(table)
        self._of = of
        self._row_of = row_of

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """See `Kind`."""
        for change in self._of(changes):
            row = self._row_of(change.after)
            if change.before is None:
                yield self.add, row
            else:
                yield self.replace, (*row[1:], row[0], change.before.version)


class AppendOnlyTable(Generic[V]):
    """Nouns that never change."""

    def __init__(self, table: type[Model], of: Callable[[ChangeSet], Iterable[V]], row_of: Callable[[V], Row]) -> None:
        self.add = insert_into(table)
        self._of = of
        self._row_of = row_of

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """See `Kind`."""
        for noun in self._of(changes):
            yield self.add, self._row_of(noun)


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


E = TypeVar("E", bound=ExpiringRecord)


class ExpiringTable:
    """How the rows of a table are written whose first column is their digest, and `expires_at` their end."""

    def __init__(self, table: type[Model]) -> None:
        name, digest, expires = name_of(table), columns_of(table)[:1], Column("expires_at", "bigint", "<=")
        self._delete_expired_key = Write(verb="delete", table=name, keys=(*digest, expires))
        self._purge = Write(verb="expire", table=name, sets=digest, keys=(expires,))
        self._add = insert_into(table)
        self.writes: Final = (self._delete_expired_key, self._purge, self._add)
        """In the order in which they are done."""

    def rows(self, new: Sequence[E], row_of: Callable[[E], Row]) -> Iterator[tuple[Write, list[Row]]]:
        """What is to be written, and how."""
        if new:
            yield self._delete_expired_key, [(record.digest, record.at) for record in new]
            # What has expired for the earliest has for all: for none of them is anything gone that it had to meet.
            yield self._purge, [(min(record.at for record in new), PURGE_FACTOR * len(new))]
            yield self._add, [row_of(record) for record in new]
