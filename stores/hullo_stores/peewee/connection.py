"""What the store asks of an engine. `engines.py` has the engines themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from peewee import Database

from hullo_stores.peewee.rows import Row


class Connection(Protocol):
    """A driver's connection inside a transaction.

    Raises `Refused` where the database refuses a row, and `StoreUnavailable` for all else a driver reports.
    """

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """What a statement finds."""
        ...

    def run(self, text: str, values: Sequence[object] = ()) -> int:
        """How many rows a statement found to change."""
        ...


class Engine(Protocol):
    """One kind of database, with its safe settings. Leaving a transaction by an exception rolls it back."""

    @property
    def lanes(self) -> int:
        """See `Store.lanes`."""
        ...

    @property
    def database(self) -> Database:
        """For building statements and for migrations; never for work."""
        ...

    def open(self) -> None:
        """Connects."""
        ...

    def close(self) -> None:
        """Disconnects; closing twice does nothing."""
        ...

    def migrating(self) -> AbstractContextManager[None]:
        """Alone with the database: of all processes, one at a time is inside."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction in which everything read is of one moment."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that is committed, durably, when it is left without an exception."""
        ...
