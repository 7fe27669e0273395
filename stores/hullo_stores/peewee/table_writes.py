"""Nouns of which each is one row: how a change set has them written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from peewee import Model

from hullo.model.change_set import Change, ChangeSet, Versioned
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.writes import Write, insert_into, replace_in

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
