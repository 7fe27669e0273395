"""MariaDB and MySQL: their URL, and the settings that make them safe."""

# playhouse has no stubs, and Peewee's leave its pool untyped.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from peewee import MySQLDatabase, PeeweeException
from playhouse.pool import PooledMySQLDatabase

from hullo.errors import SettingsError, StoreUnavailable, Unstorable
from hullo.store.maintenance import Finding
from hullo.value import Value
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.dialect import MysqlDialect, StatementCache
from hullo_stores.peewee.engines.server import POOL_SIZE, POOL_TIMEOUT, ServerConnection, ServerEngine, is_disconnected
from hullo_stores.peewee.engines.url import Parameters, split_url
from hullo_stores.peewee.faults import UNENCODABLE, translate_mysql_error, translate_wrapped_error
from hullo_stores.peewee.loaders.single_query import SingleQueryLoader
from hullo_stores.peewee.maintenance.server import MARIADB, ServerState, clock_ahead
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.search.limits import SEARCH_CONNECTIONS, SEARCH_SECONDS
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.writes import Batch, Write, split_batches
from hullo_stores.write_conflict import WriteConflict

try:
    import pymysql
    from pymysql.constants import CLIENT
except ImportError as error:
    raise SettingsError("MariaDB and MySQL need a driver: pip install 'hullo[mysql]'") from error

MIN_MARIADB: Final = (10, 6)
MIN_MYSQL: Final = (8, 0, 19)
MIGRATION_LOCK_TIMEOUT: Final = 3600
_UNSYNCED: Final = "what was answered may be lost in a crash; set innodb_flush_log_at_trx_commit to 1"
NETWORK_GRACE: Final = 10
"""Seconds on top of the statement timeout: a Galera cluster that loses a node blocks all clients (6 s measured)."""


class MysqlSettings(Value, secrets=("password",)):
    """The settings in a URL.

    `pool` is the largest number of connections: two are kept for reads, the others serve a group each.
    `statement_timeout_ms` and `lock_timeout_ms` end what takes longer; the lock timeout is rounded up to whole seconds.
    """

    host: str | None
    port: int
    user: str | None
    password: str
    database: str
    pool: int
    statement_timeout_ms: int
    lock_timeout_ms: int
    driver_options: dict[str, Any]

    @classmethod
    def from_url(cls, url: str) -> MysqlSettings:
        """Parse `mysql://user:password@host:port/database?…`.

        Raises `SettingsError`, which never repeats the URL, as it holds a password.
        """
        split = split_url(url)
        parameters = Parameters(split.query, "a MySQL URL")
        try:
            parts = urlsplit(split.without_query("mysql"))
            port = parts.port or 3306
        except ValueError:
            raise SettingsError(_URL_HINT) from None
        database = unquote(parts.path.removeprefix("/"))
        if not database or "/" in database:
            raise SettingsError(_URL_HINT)
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
            database=database,
            pool=parameters.whole_number("pool", POOL_SIZE, minimum=1),
            statement_timeout_ms=parameters.whole_number("statement_timeout_ms", 10_000, minimum=1),
            lock_timeout_ms=parameters.whole_number("lock_timeout_ms", 5_000, minimum=1),
            driver_options={
                "connect_timeout": parameters.whole_number("connect_timeout", 5, minimum=1),
                **parameters.take_remaining("program_name", "ssl_ca", "ssl_cert", "ssl_key", "unix_socket"),
            },
        )

    @property
    def connect_options(self) -> dict[str, Any]:
        """Return the arguments with which pymysql connects."""
        patience = self.statement_timeout_ms / 1000 + NETWORK_GRACE
        return {
            "host": self.host or "localhost",
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "program_name": "hullo",
            "read_timeout": patience,
            "write_timeout": patience,
            # Row counts are of rows matched, not of rows changed: a version check must count unchanged rows too.
            "client_flag": CLIENT.FOUND_ROWS,
            **self.driver_options,
        }


_URL_HINT: Final = (
    "a MySQL or MariaDB URL looks like 'mysql://user:password@host:3306/database'; "
    "what is not a letter or digit in a password is written as %XX"
)


def open_mysql(url: str) -> PeeweeStore:
    """Return a store in MariaDB or MySQL, not opened yet. See `MysqlSettings` for its URL."""
    return PeeweeStore(MysqlEngine(MysqlSettings.from_url(url)))


class MysqlDriver(MySQLDatabase):
    """Set up new connections. Stands beneath the pool, which calls it for new ones only."""

    def __init__(self, database: str, *, statement_timeout_ms: int, lock_timeout_ms: int, **driver: Any) -> None:
        self._statement_timeout_ms = statement_timeout_ms
        self._lock_timeout_ms = lock_timeout_ms
        self._mariadb = True
        self.several_nodes = False
        super().__init__(database, **driver)

    def _connect(self) -> Any:
        try:
            driver: Any = cast("Any", super())._connect()
        except OSError as error:  # from certificate files; network errors are the driver's own
            raise SettingsError(
                f"ssl_ca, ssl_cert and ssl_key name files with certificates: {error.strerror or type(error).__name__}"
            ) from error
        except RuntimeError as error:  # pymysql's, if the password must be encrypted and `cryptography` is missing
            raise SettingsError("this server's way of checking passwords needs: pip install 'hullo[mysql]'") from error
        try:
            self._set_up(driver)
        except BaseException:
            driver._force_close()
            raise
        return driver

    def _set_up(self, driver: Any) -> None:
        self._mariadb = "mariadb" in driver.get_server_info().lower()
        with driver.cursor() as cursor:
            cursor.execute(f"SET NAMES utf8mb4 COLLATE {self.collation}")
            # Re-reading after a savepoint at REPEATABLE READ, the default, failed 37 of 120 concurrent inserts of one
            # identifier. Deciding the unit again at READ COMMITTED failed none.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            session = {
                # Double quotes for names as on other engines; values that do not fit are refused, never truncated.
                "sql_mode": "'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
                "innodb_lock_wait_timeout": max(1, -(-self._lock_timeout_ms // 1000)),
                **self._timeout,
            }
            cursor.execute(f"SET SESSION {', '.join(f'{name} = {value}' for name, value in session.items())}")
            self.several_nodes = bool(cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")) and cursor.fetchone()[1] == "ON"
            if self.several_nodes:
                # Galera: reads wait for what other nodes have committed. Without this 9 of 300 reads were stale.
                cursor.execute("SET SESSION wsrep_sync_wait = 1")

    @property
    def collation(self) -> str:
        """Return the collation that compares text byte by byte, trailing spaces included."""
        return "utf8mb4_nopad_bin" if self._mariadb else "utf8mb4_0900_bin"

    @property
    def _timeout(self) -> dict[str, object]:
        if self._mariadb:
            return {"max_statement_time": self._statement_timeout_ms / 1000}
        return {"max_execution_time": self._statement_timeout_ms}


class MysqlDatabase(PooledMySQLDatabase, MysqlDriver):  # type: ignore[misc]
    """Peewee's pool with hullo's check for dead connections."""

    # MySQL's TEXT and BLOB end at 64 KiB.
    field_types = {**PooledMySQLDatabase.field_types, "TEXT": "LONGTEXT", "BLOB": "LONGBLOB"}  # noqa: RUF012
    transactional_schema = False  # a statement that changes the schema commits

    @property
    def table_settings(self) -> list[str]:
        """Compare text byte by byte, trailing spaces included, whatever the server's default collation."""
        return ["ENGINE=InnoDB", f"DEFAULT CHARSET=utf8mb4 COLLATE={self.collation}"]

    def wait_for_ever(self) -> None:
        """Remove the timeouts of this thread's connection until it is closed: a migration, and waiting for one, may
        take long."""
        untyped = cast("Any", self)
        untyped.connection()._read_timeout = None
        untyped.execute_sql(f"SET SESSION {'max_statement_time' if self._mariadb else 'max_execution_time'} = 0")

    def _is_closed(self, conn: Any) -> bool:
        if conn.open and is_disconnected(conn._sock):
            conn._force_close()  # without COM_QUIT: the server is gone
        return not conn.open

    def _can_reuse(self, conn: Any) -> bool:
        return bool(conn.open)  # the engine has ended its transaction


class MysqlConnection(ServerConnection):
    """See `ServerConnection`."""

    def __init__(self, driver: Any, begin: Sequence[str], dialect: MysqlDialect, one: StatementCache[Write]) -> None:
        super().__init__(begin)
        self._cursor = driver.cursor()
        self._dialect = dialect
        self._one = one

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        self._execute(text, values)
        return list(self._cursor.fetchall())

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """See `Transaction`."""
        return self._execute(text, values)

    def write(self, batches: Sequence[Batch]) -> None:
        """Write one statement a batch. See `Transaction`."""
        for batch in split_batches(batches):
            write, rows = batch.write, batch.rows
            if write.verb == "expire":
                self._expire(write, rows[0])
                continue
            if len(rows) == 1:
                found = self._execute(self._one[write], rows[0])
            else:
                found = self._execute(
                    self._dialect.multi_row_sql(write, len(rows)), self._dialect.values_of(write, rows)
                )
            if write.must_find and found != len(rows):
                raise WriteConflict(write.table)

    def _expire(self, write: Write, row: Row) -> None:
        """Delete expired rows in two statements, so that rows another transaction is deleting are skipped: one DELETE
        would deadlock."""
        keys = [key for (key,) in self.rows(self._one[write], row)]
        if keys:
            text = self._dialect.delete_expired_sql(write, len(keys))
            self._execute(text, keys)

    def _execute(self, text: str, values: Sequence[object]) -> int:
        for first in self._begin_statements():
            self._execute_raw(first)
        try:
            return cast("int", self._cursor.execute(text, values or None))
        except pymysql.MySQLError as error:
            raise translate_mysql_error(error) from None
        except UNENCODABLE:
            raise Unstorable from None

    def _execute_raw(self, text: str) -> None:
        try:
            self._cursor.execute(text)
        except pymysql.MySQLError as error:
            raise translate_mysql_error(error) from None


class MysqlEngine(ServerEngine):
    """Implement `Engine` at READ COMMITTED: at REPEATABLE READ a retry would read the old snapshot again."""

    read_begin_statements = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )
    write_begin_statements = ("BEGIN",)
    search_begin_statements = read_begin_statements
    copy_begin_statements = read_begin_statements
    tools = MARIADB

    def __init__(self, settings: MysqlSettings) -> None:
        self._dialect = MysqlDialect()
        database, search_database = (
            MysqlDatabase(
                settings.database,
                statement_timeout_ms=timeout_ms,
                lock_timeout_ms=settings.lock_timeout_ms,
                max_connections=connections,
                timeout=POOL_TIMEOUT,
                **settings.connect_options,
            )
            for connections, timeout_ms in (
                (settings.pool, settings.statement_timeout_ms),
                (SEARCH_CONNECTIONS, SEARCH_SECONDS * 1000),
            )
        )
        super().__init__(database, search_database, settings.pool, self._dialect, SingleQueryLoader(self._dialect))
        self._one = StatementCache(self._dialect.single_row_sql)

    def _connection(self, driver: Any, begin: Sequence[str]) -> MysqlConnection:
        return MysqlConnection(driver, begin, self._dialect, self._one)

    def _check_server(self, connection: ServerConnection) -> None:
        ((text,),) = connection.rows("SELECT VERSION()")
        version: tuple[int, ...] = self.database.server_version
        oldest = MIN_MARIADB if "mariadb" in text.lower() else MIN_MYSQL
        if version < oldest:
            raise StoreUnavailable("hullo needs MariaDB 10.6 or newer, or MySQL 8.0.19 or newer")
        self._dialect.collation = self.database.collation

    def _findings(self, connection: Connection) -> Iterable[Finding]:
        known: dict[str, str] = dict(connection.rows("SHOW VARIABLES"))
        status: dict[str, str] = dict(connection.rows("SHOW STATUS"))
        version = known["version"]
        yield Finding(name="engine", value=version if "mariadb" in version.lower() else f"MySQL {version}")
        isolation = known.get("transaction_isolation") or known["tx_isolation"]
        yield Finding(name="isolation", value=isolation.replace("-", " ").lower())
        flush = known["innodb_flush_log_at_trx_commit"]
        state = ServerState(
            ahead_seconds=clock_ahead(connection, "SELECT UNIX_TIMESTAMP(NOW(6))"),
            pool=self.pool,
            used_connections=int(status["Threads_connected"]),
            max_connections=int(known["max_connections"]),
            durability=f"innodb_flush_log_at_trx_commit {flush}",
            # On a cluster too: nodes that lose power together lose what none has synced (9 of 1,208 writes with 2).
            durability_advice=None if flush == "1" else _UNSYNCED,
            is_writable=known["read_only"] == "OFF",
        )
        yield from state.findings()
        if known.get("wsrep_on") == "ON":
            healthy = status.get("wsrep_cluster_status") == "Primary" and status.get("wsrep_ready") == "ON"
            value = f"{status.get('wsrep_cluster_size')} nodes, {status.get('wsrep_local_state_comment')}"
            advice = None if healthy else "this node is not part of the cluster that may write; look at its log"
            yield Finding(name="cluster", value=value, advice=advice)

    @contextmanager
    def copy_transaction(self) -> Generator[ServerConnection]:
        """See `Engine`."""
        with super().copy_transaction() as connection:
            # Before the transaction, which begins with its first statement. The pool keeps the connection so, which
            # does no harm: a store that is the source of a copy serves no requests.
            self.database.wait_for_ever()
            yield connection

    @contextmanager
    def _exclusive(self) -> Generator[None]:
        """Hold a named lock. On a Galera cluster it is local to a node; `schema.py` handles that."""
        lock = f"hullo migration {self.database.database}"[:64]
        self.database.wait_for_ever()
        if self.database.execute_sql("SELECT GET_LOCK(%s, %s)", (lock, MIGRATION_LOCK_TIMEOUT)).fetchone() != (1,):
            raise StoreUnavailable("another process is still bringing the database up to date; try again later")
        try:
            yield
        finally:
            self.database.execute_sql("SELECT RELEASE_LOCK(%s)", (lock,))
            self.database.manual_close()  # the next connection has its timeouts again

    def _translate(self, error: PeeweeException) -> Exception:
        return translate_wrapped_error(error, pymysql.MySQLError, translate_mysql_error)
