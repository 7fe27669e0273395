"""The protocols between the store and its engines. The engines themselves are in `engines/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from peewee import Database

from hullo.model.snapshot import SnapshotQuery
from hullo.store.maintenance import Finding, Progress
from hullo_stores.peewee.dialect import Dialect
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.snapshots import LoadResult
from hullo_stores.peewee.writes import Batch


class Connection(Protocol):
    """A driver's connection. Raises `StoreUnavailable` for driver errors that a retry of the statement cannot mend."""

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        ...


class Transaction(Connection, Protocol):
    """A connection inside a transaction.

    Raises `WriteConflict` if the database refuses a row; the transaction is then unusable until it is rolled back,
    whole or to a savepoint. Raises `TransactionAborted` if the database has ended the transaction by itself.
    """

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """Run a statement and return how many rows it matched."""
        ...

    def write(self, batches: Sequence[Batch]) -> None:
        """Write all batches in their order, in one round trip if the engine can. Also raises `WriteConflict` if a row
        to be replaced is missing."""
        ...

    def commit(self) -> None:
        """Commit. What follows is a new transaction."""
        ...

    def rollback(self) -> None:
        """Roll back. What follows is a new transaction."""
        ...


class Loader(Protocol):
    """Loads everything that a group of queries is about, in the way that suits the engine."""

    def load(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> LoadResult:
        """Load the group. It is one consistent snapshot if the connection comes from `Engine.load_connection`."""
        ...


class SubstringIndex(Protocol):
    """An index of `contact_search.text` that the engine maintains with every write of the table."""

    name: str
    """As `hullo doctor` calls it."""
    advice: str
    """How to make it available."""
    source: str
    """The tables to search in, `contact_search` as `s`."""
    latest_first: str | None
    """The clause by which the index gives matches in the order of `number` without sorting. None if it cannot."""

    def is_built(self, connection: Connection) -> bool:
        """Return whether the database has the index."""
        ...

    def is_available(self, connection: Connection) -> bool:
        """Return whether this database can have the index now. Raises `StoreUnavailable` if it has one that this
        process cannot maintain."""
        ...

    def prepare(self, database: Database) -> bool:
        """Return whether this database can have the index; install what it needs. Inside the migration lock."""
        ...

    def build(self, database: Database) -> None:
        """Make the index from the rows that are there, unless it exists. Inside the migration lock."""
        ...

    def condition(self, grams: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
        """Return a condition, with its values, that all texts with these trigrams meet. None where the comparison with
        the text itself uses the index."""
        ...


class EngineMaintenance(Protocol):
    """What an engine does for `SupportsCopy` and `SupportsMaintenance`."""

    @property
    def location(self) -> str:
        """See `SupportsCopy.location`."""
        ...

    def require_database(self) -> None:
        """Raise `StoreUnavailable` if connecting would create a new database."""
        ...

    def findings(self, connection: Connection) -> Iterable[Finding]:
        """Yield findings that are the engine's own: version, settings, clock."""
        ...

    def foreign_code(self, connection: Connection) -> Sequence[str]:
        """Name the triggers and the like that hullo did not make and that would run with its statements."""
        ...

    def backup(self, file: Path, progress: Progress, *, replace: bool) -> None:
        """See `SupportsMaintenance.backup`."""
        ...

    def has_rows(self) -> bool:
        """See `SupportsMaintenance.has_rows`."""
        ...

    def restore(self, file: Path, progress: Progress) -> None:
        """See `SupportsMaintenance.restore`."""
        ...


class Engine(Protocol):
    """One kind of database with its safe settings. Leaving a transaction by an exception rolls it back."""

    @property
    def lanes(self) -> int:
        """See `Store.max_concurrent_batches`."""
        ...

    @property
    def readers(self) -> int:
        """See `SupportsConcurrentReads.max_concurrent_reads`."""
        ...

    @property
    def database(self) -> Database:
        """Peewee's database, for building statements and for migrations; never for work."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The SQL dialect of its statements."""
        ...

    @property
    def loader(self) -> Loader:
        """The loader of snapshots that suits the engine."""
        ...

    @property
    def search_index(self) -> SubstringIndex | None:
        """The index of substrings that the engine can have; None if it has none of its own."""
        ...

    @property
    def maintenance(self) -> EngineMaintenance:
        """What the engine does for copies, backups and diagnosis."""
        ...

    def open(self) -> None:
        """Connect."""
        ...

    def close(self) -> None:
        """Disconnect. Closing twice does nothing."""
        ...

    def require_writable(self, *, by_writing: bool) -> None:
        """Raise `StoreUnavailable` if the database takes no writes. Waits for no writer, and changes no row.

        `by_writing`: after a write failed, commit one, since a full disk shows in no other way.
        """
        ...

    def migration_lock(self) -> AbstractContextManager[None]:
        """Hold the lock for migrations: of all processes, one at a time is inside."""
        ...

    def load_connection(self) -> AbstractContextManager[Connection]:
        """Give the loader a connection on which all its statements see one snapshot."""
        ...

    def autocommit_connection(self) -> AbstractContextManager[Connection]:
        """Give a connection for single statements that read, each of which sees its own snapshot."""
        ...

    def read_transaction(self) -> AbstractContextManager[Connection]:
        """Give a connection on which several statements see one snapshot."""
        ...

    def copy_transaction(self) -> AbstractContextManager[Connection]:
        """Give a connection on which all statements see one snapshot, however long they and the pauses between them
        take. SQLite gives the same connection again while no other thread reads."""
        ...

    def search_transaction(self) -> AbstractContextManager[Connection]:
        """Give a connection that only searches use, a few at once, on which statements see one snapshot.

        Raises `StoreUnavailable` if all are busy for long, and `TookTooLong` for a statement that does not end.
        """
        ...

    def write_transaction(self) -> AbstractContextManager[Transaction]:
        """Give a transaction. It is committed, durably, when it is left without an exception."""
        ...
