"""How a change set's nouns become rows: versioned, append-only, and expiring tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from peewee import Model

from hullo.model.change_set import Change, ChangeSet, Versioned
from hullo.model.instant import Instant
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.writes import Column, Write, columns_of, insert_into, name_of, replace_in

T = TypeVar("T", bound=Versioned)
V = TypeVar("V")


class WritableTable(Protocol):
    """A table whose nouns are one row each."""

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """Yield the writes and rows of a change set."""
        ...


class VersionedTable(Generic[T]):
    """A table whose nouns may change: compared by version, and replaced."""

    def __init__(
        self, table: type[Model], of: Callable[[ChangeSet], Iterable[Change[T]]], row_of: Callable[[T], Row]
    ) -> None:
        self.add, self.replace = insert_into(table), replace_in(table)
        self._of = of
        self._row_of = row_of

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """See `WritableTable`."""
        for change in self._of(changes):
            row = self._row_of(change.after)
            if change.before is None:
                yield self.add, row
            else:
                yield self.replace, (*row[1:], row[0], change.before.version)


class AppendOnlyTable(Generic[V]):
    """A table whose nouns never change."""

    def __init__(self, table: type[Model], of: Callable[[ChangeSet], Iterable[V]], row_of: Callable[[V], Row]) -> None:
        self.add = insert_into(table)
        self._of = of
        self._row_of = row_of

    def rows(self, changes: ChangeSet) -> Iterator[tuple[Write, Row]]:
        """See `WritableTable`."""
        for noun in self._of(changes):
            yield self.add, self._row_of(noun)


PURGE_FACTOR: Final = 16
"""Expired rows that a new one deletes: more than arrive, yet too few to slow the caller down."""


class ExpiringRecord(Protocol):
    """A record that is kept for some time."""

    @property
    def digest(self) -> str:
        """The unique key of the record."""
        ...

    @property
    def at(self) -> Instant:
        """When the record was made; records that have expired by then are gone."""
        ...


E = TypeVar("E", bound=ExpiringRecord)


class ExpiringTable:
    """A table whose first column is a digest, and `expires_at` its end. New rows replace expired ones, and purge
    others."""

    def __init__(self, table: type[Model]) -> None:
        name, digest, expires = name_of(table), columns_of(table)[:1], Column("expires_at", "bigint", "<=")
        self._delete_expired_key = Write(verb="delete", table=name, keys=(*digest, expires))
        self._purge = Write(verb="expire", table=name, sets=digest, keys=(expires,))
        self._add = insert_into(table)
        self.writes: Final = (self._delete_expired_key, self._purge, self._add)
        """In execution order."""

    def rows(self, new: Sequence[E], row_of: Callable[[E], Row]) -> Iterator[tuple[Write, list[Row]]]:
        """Yield the writes and their rows."""
        if new:
            yield self._delete_expired_key, [(record.digest, record.at) for record in new]
            # The earliest time: a row that has expired by then has expired for every record of the batch.
            yield self._purge, [(min(record.at for record in new), PURGE_FACTOR * len(new))]
            yield self._add, [row_of(record) for record in new]
