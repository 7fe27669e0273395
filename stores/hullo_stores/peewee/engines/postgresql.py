"""PostgreSQL: its URL, and the settings that make it safe."""

# playhouse has no stubs, and Peewee's leave its pool untyped.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from peewee import PeeweeException
from peewee import PostgresqlDatabase as PeeweesOwn
from playhouse.pool import PooledPostgresqlDatabase

from hullo.errors import SettingsError, StoreUnavailable, Unstorable
from hullo.store.maintenance import Finding
from hullo.value import Value
from hullo_stores.peewee.connection import Connection, SubstringIndex
from hullo_stores.peewee.dialect import PostgresqlDialect, StatementCache
from hullo_stores.peewee.engines.server import POOL_SIZE, POOL_TIMEOUT, ServerConnection, ServerEngine, is_disconnected
from hullo_stores.peewee.engines.url import Parameters, split_url
from hullo_stores.peewee.faults import UNENCODABLE, translate_postgresql_error, translate_wrapped_error
from hullo_stores.peewee.loaders.single_query import SingleQueryLoader
from hullo_stores.peewee.maintenance.server import POSTGRESQL, ServerState, clock_ahead
from hullo_stores.peewee.rows.encoding import Row, json_text
from hullo_stores.peewee.search.index import TrigramIndex
from hullo_stores.peewee.search.limits import SEARCH_CONNECTIONS, SEARCH_SECONDS
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.writes import Batch, Write, split_batches
from hullo_stores.write_conflict import WriteConflict

try:
    import psycopg
    from psycopg.adapt import Dumper
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise SettingsError("PostgreSQL needs a driver: pip install 'hullo[postgres]'") from error

MIN_VERSION: Final = 120000
STATEMENT_CACHE_SIZE: Final = 512
"""Prepared statements of a connection: more than hullo has, so that none is prepared twice."""
COUNT_STANDBYS: Final = (
    "SELECT count(*) FROM pg_stat_replication "
    "WHERE application_name IS NULL OR application_name NOT IN ('pg_basebackup', 'pg_receivewal')"
)
"""A role without rights sees that a standby is there, and NULL for its name."""
MIGRATION_LOCK: Final = 0x68756C6C6F
"""The key of the advisory lock: "hullo" in ASCII."""


class PostgresqlSettings(Value):
    """The settings in a URL.

    `pool` is the largest number of connections: two are kept for reads, the others serve a group each.
    `statement_timeout_ms` and `lock_timeout_ms` end what takes longer. `pooler=transaction` is for PgBouncer in
    transaction mode and similar poolers: nothing is prepared and no session setting is made, as the session soon
    belongs to another client; set the timeouts on the role instead. All other parameters go to libpq.
    """

    libpq: dict[str, str]
    pool: int
    statement_timeout_ms: int
    lock_timeout_ms: int
    pooler: bool

    @classmethod
    def from_url(cls, url: str) -> PostgresqlSettings:
        """Parse `postgresql://user:password@host:port/database?…`; several hosts are separated by commas.

        Raises `SettingsError`, which never repeats the URL, as it holds a password.
        """
        parts = split_url(url)
        parameters = Parameters(parts.query, "a PostgreSQL URL")
        settings = {
            "pool": parameters.whole_number("pool", POOL_SIZE, minimum=1),
            "statement_timeout_ms": parameters.whole_number("statement_timeout_ms", 10_000, minimum=1),
            "lock_timeout_ms": parameters.whole_number("lock_timeout_ms", 5_000, minimum=1),
            "pooler": parameters.choice("pooler", ("none", "transaction"), "none") == "transaction",
        }
        patience = parameters.whole_number("connect_timeout", 5, minimum=1)
        given = {"connect_timeout": str(patience), **parameters.take_remaining(*LIBPQ)}
        try:
            # libpq's own reading of a URL knows several hosts, and sockets.
            libpq = conninfo_to_dict(parts.without_query("postgresql"))
        except psycopg.Error:
            raise SettingsError(_URL_HINT) from None
        if not all(port.isdecimal() for port in str(libpq.get("port", "0")).split(",")):
            raise SettingsError(_URL_HINT)  # without the text: it may be the beginning of a password
        if not libpq.get("dbname"):
            raise SettingsError("a PostgreSQL URL ends with the name of a database: 'postgresql://host/database'")
        texts = {name: str(value) for name, value in libpq.items() if value is not None}
        return cls(libpq={**texts, **given}, **settings)  # type: ignore[arg-type]

    @property
    def connect_options(self) -> dict[str, Any]:
        """Return the arguments with which psycopg connects."""
        driver: dict[str, Any] = {
            "application_name": "hullo",
            "client_encoding": "UTF8",
            # A server that vanishes without closing its connections is noticed within half a minute.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
            **self.libpq,
        }
        if self.pooler:
            # Prepared statements belong to a session that the pooler hands on: 197 of 1,200 writes failed with them.
            return {**driver, "prepare_threshold": None}
        session = {
            "statement_timeout": self.statement_timeout_ms,
            "lock_timeout": self.lock_timeout_ms,
            "idle_in_transaction_session_timeout": self.statement_timeout_ms + self.lock_timeout_ms,
            "jit": "off",  # every statement is a few lookups, which are faster than their compilation
        }
        options = " ".join(f"-c {name}={value}" for name, value in session.items())
        return {**driver, "options": options, "prepare_threshold": 1}


_URL_HINT: Final = (
    "a PostgreSQL URL looks like 'postgresql://user:password@host:5432/database'; "
    "what is not a letter or digit in a password is written as %XX"
)

LIBPQ: Final = (
    "application_name",
    "host",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
)
"""Parameters of a URL that are libpq's own."""


def open_postgresql(url: str) -> PeeweeStore:
    """Return a store in PostgreSQL, not opened yet. See `PostgresqlSettings` for its URL."""
    return PeeweeStore(PostgresqlEngine(PostgresqlSettings.from_url(url)))


def durability_advice(commit: str, fsync: str, standby_names: str | None, standbys: int) -> str | None:
    """Say how an answered write may be lost, and the remedy; None if no crash of the primary loses one.

    With `standby_names` or connected `standbys`, a standby takes over from a primary that dies: only what it has
    flushed survives.
    """
    if fsync != "on":
        return "what was answered may be lost in a crash; set fsync to on"
    if commit == "off":
        return "what was answered may be lost in a crash; set synchronous_commit to on"
    if standby_names and commit in {"local", "remote_write"}:
        return "what was answered may be lost when a standby takes over; set synchronous_commit to on"
    if standbys and not standby_names:
        return (
            "what was answered may be lost when a standby takes over: no commit waits for one; name them in "
            "synchronous_standby_names, or set synchronous_mode of Patroni"
        )
    return None


class _Integer(Dumper):
    """Send integers untyped; the server knows the column's type. psycopg picks a type by size, and each mixture of
    sizes would be prepared anew."""

    def dump(self, obj: int) -> bytes:
        return b"%d" % obj


class PostgresqlDriver(PeeweesOwn):
    """Set up new connections. Stands beneath the pool, which calls it for new ones only."""

    def _connect(self) -> psycopg.Connection:
        driver: psycopg.Connection = cast("Any", super())._connect()
        driver.adapters.register_dumper(int, _Integer)
        driver.prepared_max = STATEMENT_CACHE_SIZE
        return driver


class PostgresqlDatabase(PooledPostgresqlDatabase, PostgresqlDriver):  # type: ignore[misc]
    """Peewee's pool with hullo's check for dead connections."""

    text_collation: str | None = 'COLLATE "C"'  # text compares byte by byte, independent of the database's collation

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        if not conn.closed and is_disconnected(conn):
            conn.close()
        return conn.closed


class PostgresqlConnection(ServerConnection):
    """See `ServerConnection`."""

    def __init__(
        self, driver: psycopg.Connection, begin: Sequence[str], one: StatementCache[Write], many: StatementCache[Write]
    ) -> None:
        super().__init__(begin)
        self._driver = driver
        self._one = one
        self._many = many

    def rows(self, text: str, values: Sequence[object] = ()) -> list[Row]:
        """See `Connection`."""
        return self._execute(text, values).fetchall()

    def execute(self, text: str, values: Sequence[object] = ()) -> int:
        """See `Transaction`."""
        return self._execute(text, values).rowcount

    def write(self, batches: Sequence[Batch]) -> None:
        """Write all batches in a pipeline: one round trip. See `Transaction`."""
        if not batches:
            return
        written: list[tuple[Batch, psycopg.Cursor[Row]]] = []
        try:
            with self._driver.pipeline():
                self._begin_transaction()
                for batch in split_batches(batches):
                    written.append((batch, self._cursor().execute(*self._bind_batch(batch))))
        except psycopg.Error as error:
            # The server skips what follows an error in a pipeline, but psycopg records it as prepared.
            self._driver._prepared.clear()  # pyright: ignore[reportPrivateUsage]  # no public door leads there
            raise translate_postgresql_error(error) from None
        except UNENCODABLE:
            raise Unstorable from None
        for batch, cursor in written:
            if batch.write.must_find and cursor.rowcount != len(batch.rows):
                raise WriteConflict(batch.write.table)

    def _bind_batch(self, batch: Batch) -> tuple[Any, Sequence[object]]:
        if len(batch.rows) == 1:
            return self._one[batch.write], batch.rows[0]
        hexed = [column.kind == "bytes" for column in batch.write.columns]
        rows: Sequence[object] = batch.rows
        if any(hexed):
            rows = [
                [value.hex() if is_bytes else value for is_bytes, value in zip(hexed, row, strict=True)]
                for row in batch.rows
            ]
        return self._many[batch.write], (json_text(rows),)

    def _execute(self, text: str, values: Sequence[object]) -> psycopg.Cursor[Row]:
        try:
            if self._begun:
                return self._cursor().execute(cast("Any", text), values)
            with self._driver.pipeline():  # BEGIN and the first statement share a round trip
                self._begin_transaction()
                cursor = self._cursor().execute(cast("Any", text), values)
            return cursor
        except psycopg.Error as error:
            raise translate_postgresql_error(error) from None
        except UNENCODABLE:
            raise Unstorable from None

    def _begin_transaction(self) -> None:
        for text in self._begin_statements():
            self._cursor().execute(cast("Any", text), prepare=False)

    def _execute_raw(self, text: str) -> None:
        try:
            self._cursor().execute(cast("Any", text), prepare=False)
        except psycopg.Error as error:
            raise translate_postgresql_error(error) from None
        except UNENCODABLE:
            raise Unstorable from None

    def _cursor(self) -> psycopg.Cursor[Row]:
        return psycopg.RawCursor(self._driver)


class PostgresqlEngine(ServerEngine):
    """Implement `Engine` at READ COMMITTED, where a statement sees what was committed when it began."""

    read_begin_statements = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",)
    # Re-reading after a savepoint at SERIALIZABLE failed 29 of 120 concurrent inserts of one identifier. Deciding the
    # unit again at READ COMMITTED failed none.
    write_begin_statements = ("BEGIN ISOLATION LEVEL READ COMMITTED",)
    copy_begin_statements = (
        *read_begin_statements,
        "SET LOCAL statement_timeout = 0",
        # The source's transaction is idle while the target stores rows, or is read.
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    )
    search_begin_statements: Sequence[str] = (
        *read_begin_statements,
        f"SET LOCAL statement_timeout = {SEARCH_SECONDS * 1000}",
        # A plan that is made without the searched text guesses how many rows have it, and guesses wrongly.
        "SET LOCAL plan_cache_mode = force_custom_plan",
        "SET LOCAL enable_seqscan = off",
    )
    search_index: SubstringIndex | None = TrigramIndex()
    tools = POSTGRESQL
    dialect_class: type[PostgresqlDialect] = PostgresqlDialect
    database_class: type[PostgresqlDatabase] = PostgresqlDatabase

    def __init__(self, settings: PostgresqlSettings) -> None:
        dialect = self.dialect_class()
        driver = settings.connect_options
        name = driver.pop("dbname")
        database, search_database = (
            self.database_class(
                name,
                prefer_psycopg3=True,
                max_connections=connections,
                timeout=POOL_TIMEOUT,
                **driver,
            )
            for connections in (settings.pool, SEARCH_CONNECTIONS)
        )
        super().__init__(database, search_database, settings.pool, dialect, SingleQueryLoader(dialect))
        self._one, self._many = StatementCache(dialect.single_row_sql), StatementCache(dialect.multi_row_sql)

    def _connection(self, driver: psycopg.Connection, begin: Sequence[str]) -> PostgresqlConnection:
        return PostgresqlConnection(driver, begin, self._one, self._many)

    def _check_server(self, connection: ServerConnection) -> None:
        ((version, encoding),) = connection.rows(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        )
        if version < MIN_VERSION:
            raise StoreUnavailable("hullo needs PostgreSQL 12 or newer")
        if encoding != "UTF8":
            raise StoreUnavailable(
                f"the database keeps its texts in {encoding}; make one that keeps UTF-8: "
                "CREATE DATABASE hullo ENCODING 'UTF8' TEMPLATE template0"
            )

    def _findings(self, connection: Connection) -> Iterable[Finding]:
        names = (
            "server_version",
            "transaction_isolation",
            "synchronous_commit",
            "fsync",
            "max_connections",
            "synchronous_standby_names",
        )
        # `true`: NULL for a setting that a server of another make lacks.
        asked = ", ".join(f"current_setting('{name}', true)" for name in names)
        ((version, isolation, commit, fsync, allowed, standby_names),) = connection.rows(f"SELECT {asked}")
        ((used, standby),) = connection.rows("SELECT (SELECT count(*) FROM pg_stat_activity), pg_is_in_recovery()")
        yield Finding(name="engine", value=f"{self.tools.product} {version}")
        yield Finding(name="isolation", value=isolation)
        state = ServerState(
            ahead_seconds=clock_ahead(connection, "SELECT EXTRACT(EPOCH FROM clock_timestamp())"),
            pool=self.pool,
            used_connections=used,
            max_connections=int(allowed),
            durability=f"synchronous_commit {commit}, fsync {fsync}",
            durability_advice=durability_advice(commit, fsync, standby_names, self._count_standbys(connection)),
            is_writable=not standby,
        )
        yield from state.findings()

    def _count_standbys(self, connection: Connection) -> int:
        ((count,),) = connection.rows(COUNT_STANDBYS)
        return int(count)

    @contextmanager
    def _exclusive(self) -> Generator[None]:
        with self.database.atomic():
            # The second process waits as long as the first one needs.
            self.database.execute_sql("SET LOCAL statement_timeout = 0")
            self.database.execute_sql("SET LOCAL lock_timeout = 0")
            self.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            yield

    def _translate(self, error: PeeweeException) -> Exception:
        return translate_wrapped_error(error, psycopg.Error, translate_postgresql_error)
