"""What the store asks of an engine. `engines/` has the engines themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from peewee import Database

from hullo.model.snapshot import SnapshotQuery
from hullo.store.maintenance import Finding, Progress
from hullo_stores.peewee.dialect import Dialect
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.snapshots import LoadResult
from hullo_stores.peewee.writes import Batch


class Connection(Protocol):
    """A driver's connection. Raises `StoreUnavailable` for whatever a driver reports and nobody can mend."""

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """What a statement finds."""
        ...


class Transaction(Connection, Protocol):
    """A connection inside a transaction.

    Raises `Refused` where the database refuses a row, after which the transaction is of no more use unless it is
    rolled back, whole or to a savepoint; and `GivenUp` where it has ended the transaction by itself.
    """

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """How many rows a statement found to change."""
        ...

    def write(self, batches: Sequence[Batch]) -> None:
        """All of them, in their order; one round trip where the engine can. Raises `Refused` too where a row to be
        replaced is not there."""
        ...

    def commit(self) -> None:
        """Keeps for good what was written. What comes after is a new transaction."""
        ...

    def rollback(self) -> None:
        """Takes back what was written. What comes after is a new transaction."""
        ...


class Loader(Protocol):
    """Finds everything that a group of queries is about, in a way that suits the engine."""

    def load(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> LoadResult:
        """All of one moment, if the connection is one of `Engine.loading`."""
        ...


class EngineMaintenance(Protocol):
    """See `Portable`, `BacksUp` and `Diagnosed` for what a method is for."""

    @property
    def location(self) -> str:
        """See `Portable`."""
        ...

    def require_database(self) -> None:
        """Raises `StoreUnavailable` where to connect would be to make a new database."""
        ...

    def findings(self, connection: Connection) -> Iterable[Finding]:
        """What is the engine's own: its version, its settings, its clock."""
        ...

    def backup(self, file: Path, progress: Progress, *, replace: bool) -> None:
        """See `BacksUp`."""
        ...

    def has_rows(self) -> bool:
        """See `BacksUp`."""
        ...

    def restore(self, file: Path, progress: Progress) -> None:
        """See `BacksUp`."""
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

    @property
    def dialect(self) -> Dialect:
        """How its statements are written."""
        ...

    @property
    def loader(self) -> Loader:
        """How snapshots are loaded."""
        ...

    @property
    def maintenance(self) -> EngineMaintenance:
        """How it is looked after."""
        ...

    def open(self) -> None:
        """Connects."""
        ...

    def close(self) -> None:
        """Disconnects; closing twice does nothing."""
        ...

    def migration_lock(self) -> AbstractContextManager[None]:
        """Alone with the database: of all processes, one at a time is inside."""
        ...

    def load_connection(self) -> AbstractContextManager[Connection]:
        """What the loader needs to see one moment."""
        ...

    def autocommit_connection(self) -> AbstractContextManager[Connection]:
        """For a single statement, which by itself sees one moment."""
        ...

    def read_transaction(self) -> AbstractContextManager[Connection]:
        """For several statements, which together see one moment."""
        ...

    def write_transaction(self) -> AbstractContextManager[Transaction]:
        """Committed, durably, when it is left without an exception."""
        ...
