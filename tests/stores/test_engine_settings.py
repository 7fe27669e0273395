"""What the URL of a server may say, and which settings are in force on its connections."""

from __future__ import annotations

import fcntl
import resource
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from behind import once_asked
from databases import Databases
from hullo.errors import HulloError, SettingsError, StoreUnavailable, Unstorable
from hullo.hooks.entry_points import open_store
from hullo.model.snapshot import SnapshotQuery
from hullo.testing.builders import WORKSPACE
from hullo_stores.peewee.engines.cockroachdb import open_cockroachdb
from hullo_stores.peewee.engines.mysql import MysqlSettings
from hullo_stores.peewee.engines.postgresql import PostgresqlSettings
from hullo_stores.peewee.engines.server import is_disconnected
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import columns_of, name_of
from peopled import fill
from servers import wire as proxy
from servers.fixtures import Kind, require
from servers.wire import Message, PostgresDialect, Wire, counting
from stores.wired import engine_of, peewee_store

TABLE_NAMES = ", ".join(f"'{name_of(table)}'" for table in TABLES)
TEXTS = sum(column.kind == "text" for table in TABLES for column in columns_of(table))
"""How many columns of texts there are."""


class TestUrl:
    def test_url_parameters_change_the_settings(self):
        url = (
            "postgresql://shop:s3%3Fcret@db.example:5433/hullo?pool=7&statement_timeout_ms=1&lock_timeout_ms=2"
            "&connect_timeout=3&pooler=transaction&application_name=shop&sslmode=verify-full"
            "&target_session_attrs=read-write"
        )
        assert PostgresqlSettings.from_url(url) == PostgresqlSettings(
            libpq={
                "user": "shop",
                "password": "s3?cret",
                "host": "db.example",
                "port": "5433",
                "dbname": "hullo",
                "connect_timeout": "3",
                "application_name": "shop",
                "sslmode": "verify-full",
                "target_session_attrs": "read-write",
            },
            pool=7,
            statement_timeout_ms=1,
            lock_timeout_ms=2,
            pooler=True,
        )
        url = (
            "mysql://shop:s3%3Fcret@db.example:3307/hullo?pool=7&statement_timeout_ms=1&lock_timeout_ms=2"
            "&connect_timeout=3&program_name=shop&ssl_ca=/ca.pem"
        )
        assert MysqlSettings.from_url(url) == MysqlSettings(
            host="db.example",
            port=3307,
            user="shop",
            password="s3?cret",
            database="hullo",
            pool=7,
            statement_timeout_ms=1,
            lock_timeout_ms=2,
            driver_options={"connect_timeout": 3, "program_name": "shop", "ssl_ca": "/ca.pem"},
        )

    @pytest.mark.parametrize("scheme", ["postgresql", "mysql", "cockroachdb"])
    @pytest.mark.parametrize(
        ("rest", "sentence"),
        [
            ("host/hullo?pol=4", "has no parameter 'pol', only pool, statement_timeout_ms"),
            ("host/hullo?password=secret", "has no parameter 'password'"),
            ("host/hullo?pool=many", "pool is a whole number, not 'many'"),
            ("host/hullo?pool=0", "pool is between 1 and"),
            ("host/hullo?statement_timeout_ms=0", "statement_timeout_ms is between 1 and"),
            ("host/hullo?lock_timeout_ms=1.5", "lock_timeout_ms is a whole number"),
            ("host/hullo?lock_timeout_ms=" + "9" * 30, "lock_timeout_ms is between 1 and"),
            ("host/hullo?connect_timeout=soon", "connect_timeout is a whole number"),
            ("host", "URL"),
            ("host/", "URL"),
            ("host:port/hullo", "URL looks like"),
        ],
    )
    def test_unknown_url_part_is_refused_with_reason(self, scheme: str, rest: str, sentence: str):
        with pytest.raises(SettingsError, match=sentence):
            open_store(f"{scheme}://{rest}")

    @pytest.mark.parametrize(("alias", "scheme"), [("postgres", "postgresql"), ("mariadb", "mysql")])
    def test_hosters_scheme_opens_the_same_store(self, alias: str, scheme: str):
        rest = "://shop@db.example:7000/hullo?pool=7"
        assert peewee_store(alias + rest).location == peewee_store(scheme + rest).location

    def test_other_engines_parameter_is_refused(self):
        for url in (
            "mysql://host/hullo?pooler=transaction",
            "mysql://host/hullo?sslmode=require",
            "postgresql://host/hullo?unix_socket=/run/mysqld.sock",
        ):
            with pytest.raises(SettingsError, match="has no parameter"):
                open_store(url)
        with pytest.raises(SettingsError, match="pooler is 'none' or 'transaction', not 'session'"):
            open_store("postgresql://host/hullo?pooler=session")
        with pytest.raises(SettingsError, match="CockroachDB needs no pooler"):
            open_store("cockroachdb://host/hullo?pooler=transaction")

    @pytest.mark.parametrize("scheme", ["postgresql", "mysql", "cockroachdb"])
    @pytest.mark.parametrize("sign", "@:/?#&=%[] \\'")
    def test_error_never_shows_the_password(self, scheme: str, sign: str):
        for password in (f"Gkbo{sign}Vwqz", f"{sign}Gkbo{sign}{sign}Vwqz{sign}", f"12{sign}Vwqz"):
            with pytest.raises(HulloError) as refused:
                open_store(f"{scheme}://shop:{password}@127.0.0.1:1/hullo?pool=1").open()
            told = "".join(traceback.format_exception(refused.value))
            assert "Gkbo" not in told
            assert "Vwqz" not in told

    def test_missing_certificate_is_reported(self, kind: Kind):
        server = require(kind).url.rstrip("/")
        where = server.rpartition("/")[0] if server.count("/") > 2 else server
        asked = {"postgresql": "sslmode=verify-full&sslrootcert=/nowhere", "mysql": "ssl_ca=/nowhere"}
        with pytest.raises(HulloError, match=r"ssl_ca|check the parameters"):
            open_store(f"{where}/hullo?{asked[kind]}").open()


class TestDrivers:
    """Nobody needs the driver of an engine that is not used."""

    @pytest.mark.parametrize(
        ("scheme", "driver", "extra"),
        [("postgresql", "psycopg", "postgres"), ("cockroachdb", "psycopg", "postgres"), ("mysql", "pymysql", "mysql")],
    )
    def test_missing_driver_is_reported_with_install_command(self, scheme: str, driver: str, extra: str):
        told = self._opening(f"{scheme}://localhost/hullo", without=[driver])
        assert told.startswith("SettingsError: ")
        assert told.endswith(f": pip install 'hullo[{extra}]'")

    def test_unused_drivers_are_not_required(self):
        assert self._opening("sqlite:///hullo.db", without=["psycopg", "pymysql"]) == "opened"
        assert self._opening("postgresql://localhost/hullo", without=["pymysql"]) == "opened"
        assert self._opening("mysql://localhost/hullo", without=["psycopg"]) == "opened"

    @staticmethod
    def _opening(url: str, without: list[str]) -> str:
        program = (
            f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
            "from hullo.errors import HulloError\n"
            "from hullo.hooks.entry_points import open_store\n"
            f"try: open_store({url!r})\n"
            "except HulloError as error: print(f'{type(error).__name__}: {error}')\n"
            "else: print('opened')"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()


class OnConnections:
    """What connections of a URL say of themselves."""

    @staticmethod
    def asked(url: str, text: str, how: str = "autocommit_connection") -> list[Row]:
        with opened(url) as engine, getattr(engine, how)() as connection:
            found: list[Row] = connection.rows(text)
        return found


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """The engine of a store, which is open meanwhile."""
    store = peewee_store(url)
    store.open()
    try:
        yield engine_of(store)
    finally:
        store.close()


def settings_of(names: str) -> str:
    return "SELECT " + ", ".join(f"current_setting('{name}')" for name in names.split())


class TestPostgresql(OnConnections):
    timeouts: ClassVar[str] = settings_of("statement_timeout lock_timeout idle_in_transaction_session_timeout")

    @pytest.fixture(scope="class")
    @classmethod
    def odd(cls) -> Iterator[str]:
        """A database with settings of its own."""
        server = require("postgresql")
        url = server.new_database()
        for setting in (
            "default_transaction_isolation = 'serializable'",
            "statement_timeout = '1min'",
            "lock_timeout = '1min'",
            "jit = on",
            "client_encoding = 'LATIN1'",
        ):
            once_asked(server.url, f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting}")
        yield url
        server.drop(url)

    def test_safe_settings_override_the_database(self, odd: str):
        assert self.asked(odd, self.timeouts) == [("10s", "5s", "15s")]
        assert self.asked(odd, settings_of("application_name client_encoding jit")) == [("hullo", "UTF8", "off")]

    def test_url_settings_are_in_force(self, odd: str):
        url = f"{odd}?statement_timeout_ms=1500&lock_timeout_ms=250&application_name=shop"
        assert self.asked(url, self.timeouts) == [("1500ms", "250ms", "1750ms")]
        assert self.asked(url, settings_of("application_name")) == [("shop",)]

    def test_copy_has_no_time_limit(self, odd: str):
        assert self.asked(odd, self.timeouts, "copy_transaction") == [("0", "5s", "0")]

    def test_isolation_is_set_for_each_transaction(self, odd: str):
        isolation = settings_of("transaction_isolation transaction_read_only")
        assert self.asked(odd, isolation, "write_transaction") == [("read committed", "off")]
        assert self.asked(odd, isolation, "read_transaction") == [("repeatable read", "on")]

    def test_text_compares_byte_by_byte(self, odd: str):
        collations = (
            "SELECT collname, count(*) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
            f"JOIN pg_collation l ON l.oid = attcollation WHERE relname IN ({TABLE_NAMES}) "
            "AND relkind = 'r' AND NOT attisdropped GROUP BY collname"
        )
        with opened(odd):
            assert once_asked(odd, collations) == [("C", TEXTS)]

    def test_database_with_lossy_encoding_is_refused(self):
        server = require("postgresql")
        url = server.new_database("ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
        with pytest.raises(StoreUnavailable, match="keeps its texts in LATIN1; make one that keeps UTF-8"):
            open_store(url).open()
        server.drop(url)


class TestMysql(OnConnections):
    @pytest.fixture(scope="class")
    @classmethod
    def odd(cls) -> Iterator[str]:
        """A database that keeps texts otherwise."""
        server = require("mysql")
        url = server.new_database("CHARACTER SET latin1 COLLATE latin1_german2_ci")
        yield url
        server.drop(url)

    def test_safe_settings_are_in_force(self, odd: str):
        ((mode, charset, collation),) = self.asked(
            odd, "SELECT @@sql_mode, @@character_set_client, @@collation_connection"
        )
        assert set(mode.split(",")) == {"ANSI_QUOTES", "STRICT_ALL_TABLES", "NO_ENGINE_SUBSTITUTION"}
        assert (charset, collation) == ("utf8mb4", "utf8mb4_nopad_bin")
        isolation = self.asked(odd, "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')")
        assert {value for _, value in isolation} == {"READ-COMMITTED"}
        assert self.asked(odd, "SELECT @@innodb_lock_wait_timeout, @@max_statement_time") == [(5, 10.0)]

    def test_url_settings_are_in_force(self, odd: str):
        url = f"{odd}?statement_timeout_ms=1500&lock_timeout_ms=1001"
        assert self.asked(url, "SELECT @@innodb_lock_wait_timeout, @@max_statement_time") == [(2, 1.5)]

    def test_copy_has_no_time_limit(self, odd: str):
        assert self.asked(odd, "SELECT @@max_statement_time", "copy_transaction") == [(0.0,)]

    def test_quotes_are_for_identifiers(self, odd: str):
        assert self.asked(odd, """SELECT "answer" FROM (SELECT 'yes' AS answer) AS it""") == [("yes",)]

    def test_update_counts_found_rows_not_changed_ones(self, odd: str):
        with opened(odd) as engine:
            with engine.write_transaction() as transaction:
                transaction.execute("INSERT INTO workspace (id, name, created_at, version) VALUES ('ws', 'Shop', 0, 0)")
            with engine.write_transaction() as transaction:
                assert transaction.execute("UPDATE workspace SET version = 0 WHERE id = 'ws'") == 1

    def test_overlong_value_is_never_cut(self, odd: str):
        with opened(odd) as engine, pytest.raises(Unstorable), engine.write_transaction() as writer:
            writer.execute(
                "INSERT INTO workspace (id, name, created_at, version) VALUES (REPEAT('w', 65), 'Shop', 0, 0)"
            )

    def test_text_compares_byte_by_byte(self, odd: str):
        collations = (
            "SELECT collation_name, COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() "
            f"AND collation_name IS NOT NULL AND table_name IN ({TABLE_NAMES}) GROUP BY collation_name"
        )
        with opened(odd):
            assert once_asked(odd, collations) == [("utf8mb4_nopad_bin", TEXTS)]

    def test_only_a_cluster_waits_before_reading(self, odd: str):
        with counting(odd) as wire:
            session = self.asked(wire.url, "SHOW VARIABLES LIKE 'wsrep_sync_wait'")
            assert session == once_asked(odd, "SHOW GLOBAL VARIABLES LIKE 'wsrep_sync_wait'")
            assert not [text for text in wire.texts if text.startswith("SET") and "wsrep" in text]


def test_reading_sees_one_moment_and_writing_each(url: str):
    with opened(url) as engine:
        for how, sees in (("read_transaction", [0, 0]), ("write_transaction", [0, 1])):
            once_asked(url, "DELETE FROM workspace")
            with getattr(engine, how)() as connection:
                ((before,),) = connection.rows("SELECT COUNT(*) FROM workspace")
                once_asked(url, "INSERT INTO workspace (id, name, created_at, version) VALUES ('ws', 'Shop', 0, 0)")
                ((after,),) = connection.rows("SELECT COUNT(*) FROM workspace")
            assert [before, after] == sees


def test_reading_writes_nothing(url: str):
    with (
        opened(url) as engine,
        pytest.raises(StoreUnavailable, match="may only be read"),
        engine.read_transaction() as reader,
    ):
        reader.execute("DELETE FROM workspace")


class Named(PostgresDialect):
    """Notes under which names statements are prepared, and what a connection begins with."""

    prepared: ClassVar[list[str]] = []
    beginnings: ClassVar[list[dict[str, str]]] = []

    def _read(self, message: bytes) -> Message:
        if not self._begun and message[4:8] == (196608).to_bytes(4, "big"):
            words = [word.decode() for word in message[8:].rstrip(b"\0").split(b"\0")]
            self.beginnings.append(dict(zip(words[::2], words[1::2], strict=True)))
        elif self._begun and message[:1] == b"P":
            self.prepared.append(message[5:].partition(b"\0")[0].decode())
        return super()._read(message)


class TestPooler:
    """Behind PgBouncer in transaction mode a session is somebody else's a moment later."""

    @pytest.fixture
    def wire(self, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
        monkeypatch.setitem(proxy.DIALECTS, "postgresql", Named)
        monkeypatch.setitem(proxy.PORTS, Named, 5432)
        Named.prepared.clear()
        Named.beginnings.clear()
        with counting(databases.empty("postgresql", tmp_path)) as wire:
            yield wire

    def test_pooler_mode_prepares_and_sets_nothing(self, wire: Wire):
        self._work(f"{wire.url}?pooler=transaction")
        assert len(Named.prepared) > 10
        assert set(Named.prepared) == {""}
        assert {name for beginning in Named.beginnings for name in beginning} <= {
            "user",
            "database",
            "application_name",
            "client_encoding",
        }
        assert not [text for text in wire.texts if text.startswith(("SET ", "LISTEN", "PREPARE", "DECLARE"))]

    def test_other_modes_prepare_and_set(self, wire: Wire):
        self._work(wire.url)
        assert len(set(Named.prepared)) > 3
        assert "statement_timeout" in Named.beginnings[0]["options"]

    def test_pooler_mode_can_make_a_schema(self, wire: Wire):
        """With settings of its transaction alone."""
        server = require("postgresql")
        url = server.new_database()
        with counting(url) as fresh:
            with opened(f"{fresh.url}?pooler=transaction"):
                pass
            assert {text.split()[1] for text in fresh.texts if text.startswith("SET ")} == {"LOCAL"}
        assert set(Named.prepared) == {""}
        server.drop(url)

    def test_server_confirms_pooler_mode_settings(self, wire: Wire):
        names = "'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'jit'"
        for parameter, set_by_client in (("?pooler=transaction", set[str]()), ("", {"client"})):
            with opened(wire.url + parameter) as engine:
                for _ in range(3):
                    with engine.autocommit_connection() as connection:
                        connection.rows("SELECT 1")
                with engine.autocommit_connection() as connection:
                    sources = connection.rows(f"SELECT source FROM pg_settings WHERE name IN ({names})")
                    ((prepared,),) = connection.rows("SELECT count(*) FROM pg_prepared_statements")
            assert {source for (source,) in sources} & {"client"} == set_by_client
            assert bool(prepared) is bool(set_by_client)

    @staticmethod
    def _work(url: str) -> None:
        store = peewee_store(url)
        store.open()
        fill(store, 30)
        for _ in range(4):
            assert len(store.list_apps()) == 2
            store.check()
        store.close()


def test_cockroachdb_engine_works_against_postgresql(databases: Databases, tmp_path: Path):
    """All that can be said of it, as there is no server of its own to try."""
    store = open_cockroachdb(databases.empty("postgresql", tmp_path).replace("postgresql://", "cockroachdb://"))
    store.open()
    fill(store, 4)
    with store.locking():
        assert len(store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None, contacts=("con_a000000",))])) == 1
    store.close()


def test_server_hangup_is_noticed_beyond_1024_sockets():
    """`select` knows none beyond the 1024th, and a server has one for each visitor."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], min(4096, limits[1])), limits[1]))
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 1500)) as far:
        assert not is_disconnected(far)
        theirs.close()
        assert is_disconnected(far)
    assert is_disconnected(far)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
