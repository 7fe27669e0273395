"""What the engines that are servers share: a connection pool, and transactions on its connections."""

# playhouse has no stubs, and Peewee's leave its pool untyped.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import select
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol

from peewee import PeeweeException
from playhouse.pool import MaxConnectionsExceeded

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import Finding
from hullo_stores.peewee.connection import Connection, EngineMaintenance, Loader, SubstringIndex
from hullo_stores.peewee.dialect import Dialect
from hullo_stores.peewee.faults import ServerLost
from hullo_stores.peewee.maintenance.server import BackupTools, ServerMaintenance
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.schema import WRITE_PROBE
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE
from hullo_stores.peewee.writes import Batch
from hullo_stores.write_conflict import TransactionAborted, WriteConflict

POOL_SIZE: Final = 6
"""Connections of a process unless the URL says otherwise."""
READ_CONNECTIONS: Final = 2
"""Connections of the pool that no group takes: reads go on while every group waits for rows that others hold."""
POOL_TIMEOUT: Final = 5
"""Seconds to wait for a connection while all are in use."""


class Socket(Protocol):
    """An object that `select` takes."""

    def fileno(self) -> int: ...


def is_disconnected(socket: Socket) -> bool:
    """Return whether the server has closed an idle connection, without a round trip.

    A server sends nothing unasked except a farewell, so a readable idle socket means that it is closed.
    """
    try:
        if not hasattr(select, "poll"):  # Windows, whose own `select` knows no largest descriptor
            return bool(select.select([socket], [], [], 0)[0])
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # the descriptor is closed
        return True


class ServerConnection(ABC):
    """Implement `Connection` and `Transaction`. A transaction begins with its first statement."""

    def __init__(self, begin: Sequence[str]) -> None:
        """`begin` are the statements that begin a transaction; without any, every statement commits by itself."""
        self._begin = begin
        self._begun = not begin

    @abstractmethod
    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""

    @abstractmethod
    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """See `Transaction`."""

    @abstractmethod
    def write(self, batches: Sequence[Batch]) -> None:
        """See `Transaction`."""

    def commit(self) -> None:
        """See `Transaction`."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """See `Transaction`."""
        self._end("ROLLBACK")

    def _end(self, statement: str) -> None:
        if self._begin and self._begun:
            self._begun = False
            self._execute_raw(statement)

    def _begin_statements(self) -> Sequence[str]:
        """Return what must be sent before the next statement."""
        if self._begun:
            return ()
        self._begun = True
        return self._begin

    @abstractmethod
    def _execute_raw(self, text: str) -> None:
        """Run a statement without beginning a transaction."""


class ServerEngine(ABC):
    """Implement `Engine` over a connection pool.

    A connection that failed is closed. If the server is lost, so are the idle connections, which may lead to the same
    server. The next call opens a new one.
    """

    read_begin_statements: Sequence[str]
    write_begin_statements: Sequence[str]
    copy_begin_statements: Sequence[str]
    """Those of a read transaction, without time limits."""
    tools: BackupTools
    """The server's own tools for backups."""

    search_index: SubstringIndex | None = None
    """See `Engine`."""
    search_begin_statements: Sequence[str]
    """Those of a read transaction, with a time limit of its own."""

    def __init__(self, database: Any, search_database: Any, pool: int, dialect: Dialect, loader: Loader) -> None:
        """`database` is a `PooledDatabase` of the engine's kind, for `pool` connections; `search_database` is a small
        one for searches alone."""
        self.database = database
        self._search_database = search_database
        self.pool = pool
        self.lanes = max(1, pool - READ_CONNECTIONS)
        self.readers = max(1, pool - self.lanes)
        self.dialect = dialect
        self.loader = loader
        self.maintenance: EngineMaintenance = ServerMaintenance(database, self.tools, self._findings)
        self._is_open = False

    def open(self) -> None:
        """Connect and check the server. Raises `StoreUnavailable` if it cannot be reached or used."""
        self._is_open = True
        try:
            with self.autocommit_connection() as connection:
                self._check_server(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """See `Engine`. Connections in use are closed when they are returned."""
        self._is_open = False
        self.database.close_idle()
        self._search_database.close_idle()

    def load_connection(self) -> AbstractContextManager[ServerConnection]:
        """See `Engine`."""
        return self.autocommit_connection()

    @contextmanager
    def autocommit_connection(self) -> Generator[ServerConnection]:
        """See `Engine`."""
        with self._checked_out() as driver:
            yield self._connection(driver, ())

    def read_transaction(self) -> AbstractContextManager[ServerConnection]:
        """See `Engine`."""
        return self._transaction(self.read_begin_statements)

    def copy_transaction(self) -> AbstractContextManager[ServerConnection]:
        """See `Engine`."""
        return self._transaction(self.copy_begin_statements)

    def search_transaction(self) -> AbstractContextManager[ServerConnection]:
        """See `Engine`. From a pool of their own: searches leave the connections of identifies alone."""
        return self._transaction(self.search_begin_statements, self._search_database)

    def write_transaction(self) -> AbstractContextManager[ServerConnection]:
        """See `Engine`."""
        return self._transaction(self.write_begin_statements)

    def require_writable(self, *, by_writing: bool) -> None:
        """See `Engine`."""
        if not by_writing:
            # Refused before any row is looked for; as it finds none, it takes no row lock and writes no log.
            with self._checked_out() as driver:
                self._connection(driver, ()).execute(f"UPDATE {HISTORY_TABLE} SET name = name WHERE name = ''")
            return
        try:
            with self.write_transaction() as transaction:
                for statement in WRITE_PROBE:
                    transaction.execute(statement)
        except WriteConflict:
            return  # another process does the same at this moment, so the database takes writes

    @contextmanager
    def migration_lock(self) -> Generator[None]:
        """See `Engine`."""
        with self._checked_out(), self._exclusive():
            yield

    @abstractmethod
    def _connection(self, driver: Any, begin: Sequence[str]) -> ServerConnection:
        """Wrap a driver's connection for the store."""

    @abstractmethod
    def _check_server(self, connection: ServerConnection) -> None:
        """Raise `StoreUnavailable` unless hullo supports the server."""

    @abstractmethod
    def _findings(self, connection: Connection) -> Iterable[Finding]:
        """See `EngineMaintenance.findings`."""

    @abstractmethod
    def _exclusive(self) -> AbstractContextManager[None]:
        """Hold the migration lock on Peewee's own connection of this thread."""

    @abstractmethod
    def _translate(self, error: PeeweeException) -> Exception:
        """Return the exception to raise instead of an error that Peewee has wrapped."""

    @contextmanager
    def _transaction(self, begin: Sequence[str], database: Any = None) -> Generator[ServerConnection]:
        """Run a transaction on a connection of this pool, else of the usual one."""
        database = self.database if database is None else database
        with self._checked_out(database) as driver:
            connection = self._connection(driver, begin)
            try:
                yield connection
                connection.commit()
            except StoreUnavailable:
                raise  # `_checked_out` closes the connection, which ends the transaction
            except TransactionAborted as given_up:  # `apply_group` handles its own; here it was not expected
                connection.rollback()
                raise StoreUnavailable("the database gave a transaction up; it may go well the next time") from given_up
            except BaseException:
                try:
                    connection.rollback()
                except StoreUnavailable:
                    # Closing ends the transaction too. The first error is the one to raise.
                    database.manual_close()
                raise

    @contextmanager
    def _checked_out(self, database: Any = None) -> Generator[Any]:
        database = self.database if database is None else database
        if not self._is_open:
            raise StoreUnavailable("the store is not open")
        if not database.is_closed():
            raise AssertionError("inside locking() a store is asked for nothing but load and apply")
        # Checked out, used and returned on one thread: AnyIO prunes idle threads, and each would leak its connection.
        try:
            database.connect()
        except MaxConnectionsExceeded:
            if database is self._search_database:
                raise StoreUnavailable("too many searches are under way; try again in a moment") from None
            raise StoreUnavailable(
                f"all {self.pool} connections to the database are busy; if this lasts, allow more with pool="
            ) from None
        except PeeweeException as error:
            raise self._translate(error) from None
        try:
            yield database.connection()
        except PeeweeException as error:
            fault = self._translate(error)
            self._discard(database, fault)
            raise fault from None
        except StoreUnavailable as fault:
            self._discard(database, fault)
            raise
        finally:
            if not database.is_closed():
                database.close()
            if not self._is_open:  # closed meanwhile: this connection has just gone back to the pool
                database.close_idle()

    def _discard(self, database: Any, fault: Exception) -> None:
        database.manual_close()  # takes it out of the pool: its state is unknown
        if isinstance(fault, ServerLost):
            self.database.close_idle()
            self._search_database.close_idle()
