"""Where the benchmark makes its databases, the fastest way into each, and what was written by hand for it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from handwritten.calls import Application, HandWritten, Row
from handwritten.tables import columns_of, gram_rows, insert_into
from people import Engine, Load

sys.path.append(str(Path(__file__).parents[1]))  # for `servers`, of the tests

TABLES = (
    "workspace",
    "app",
    "identity_key",
    "contact",
    "identifier",
    "custom_data",
    "visitor",
    "session",
    "conversation",
    "conflict",
    "decision",
    "timeline",
    "contact_search",
    "contact_gram",
)
"""What both must leave behind. Not the outbox, which hullo empties meanwhile."""


def engine_of(name: str, urls: Sequence[str]) -> Engine:
    """One that makes its databases on the server of the first URL that fits; else where tests find one."""
    if name == "sqlite":
        return Sqlite()
    where = next((url for url in urls if url.startswith(name)), "")
    return Postgresql(where) if name == "postgresql" else Mysql(where)


class Sqlite:
    """Files in a temporary folder."""

    name = "sqlite"
    hands = ("by hand",)

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self._made = 0

    def make(self) -> str:
        self._made += 1
        return f"sqlite:///{self._folder.name}/{self._made}.db"

    @contextmanager
    def loading(self, url: str) -> Generator[Load]:
        with closing(self._connect(url)) as driver:
            driver.execute("PRAGMA synchronous = OFF")
            driver.execute("PRAGMA cache_size = -1000000")
            driver.execute("BEGIN")
            yield lambda table, rows: _insert(driver, table, rows)
            driver.execute("COMMIT")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.sync()

    def apart(self, url: str) -> str:
        """Two connections to a file would empty each other's caches with every write."""
        other = self.make()
        shutil.copyfile(_path(url), _path(other))
        os.sync()  # or the disk would be busy with it for minutes
        return other

    def rows(self, url: str) -> dict[str, list[Row]]:
        with closing(self._connect(url)) as driver:
            return {table: sorted(driver.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}

    def by_hand(self, name: str, url: str, app: Application) -> HandWritten:
        from handwritten.sqlite import BySqlite

        return BySqlite(_path(url), app)

    def close(self) -> None:
        self._folder.cleanup()

    def _connect(self, url: str) -> sqlite3.Connection:
        return sqlite3.connect(_path(url), isolation_level=None)


class Postgresql:
    """Databases of a server that may make some."""

    name = "postgresql"
    hands = ("by hand", "tuned by hand")

    def __init__(self, where: str) -> None:
        from servers.postgres import find_postgres

        self._server = find_postgres(where)
        with self._connect(self._server.url) as driver:
            for setting in ("fsync", "synchronous_commit"):
                ((value,),) = driver.execute(f"SHOW {setting}".encode()).fetchall()
                if value != "on":
                    print(f"{self.name}: {setting} is {value}, so writes are cheaper than they are", file=sys.stderr)

    def make(self) -> str:
        return self._server.new_database()

    @contextmanager
    def loading(self, url: str) -> Generator[Load]:
        import psycopg

        with self._connect(url) as driver:
            with driver.transaction():
                with suppress(psycopg.errors.InsufficientPrivilege), driver.transaction():
                    driver.execute("SET LOCAL session_replication_role = replica")  # no need to check every key

                def load(table: str, rows: Iterable[Row]) -> None:
                    with driver.cursor().copy(f"COPY {table} ({columns_of(table)}) FROM STDIN".encode()) as copy:
                        for row in rows:
                            copy.write_row(row)

                yield load
            driver.execute("VACUUM (ANALYZE)")
            with suppress(psycopg.errors.InsufficientPrivilege):
                driver.execute("CHECKPOINT")

    def apart(self, url: str) -> str:
        return url

    def rows(self, url: str) -> dict[str, list[Row]]:
        with self._connect(url) as driver:
            return {
                table: sorted(driver.execute(f"SELECT * FROM {table}".encode()).fetchall(), key=repr)
                for table in TABLES
            }

    def by_hand(self, name: str, url: str, app: Application) -> HandWritten:
        from handwritten.postgresql import ByPostgresql, TunedPostgresql

        return (ByPostgresql if name == "by hand" else TunedPostgresql)(url, app)

    def close(self) -> None:
        self._server.close()

    def _connect(self, url: str):
        import psycopg

        return psycopg.connect(url, autocommit=True)


class Mysql:
    """Databases of a MariaDB or MySQL that may make some."""

    name = "mysql"
    hands = ("by hand",)

    def __init__(self, where: str) -> None:
        from servers.mariadb import find_mariadb

        self._server = find_mariadb(where)
        with closing(self._connect(f"{self._server.url}/")) as driver, driver.cursor() as cursor:
            cursor.execute("SELECT @@innodb_flush_log_at_trx_commit")
            ((value,),) = cursor.fetchall()
            if value != 1:
                print(f"{self.name}: commits are not flushed, so writes are cheaper than they are", file=sys.stderr)

    def make(self) -> str:
        return self._server.new_database()

    @contextmanager
    def loading(self, url: str) -> Generator[Load]:
        with closing(self._connect(url)) as driver, driver.cursor() as cursor:
            cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")

            def load(table: str, rows: Iterable[Row]) -> None:
                held = list(rows)
                cursor.executemany(insert_into(table), held)
                if table == "contact_search":
                    cursor.executemany(insert_into("contact_gram"), [gram for row in held for gram in gram_rows(row)])
                driver.commit()

            yield load
            cursor.execute(f"ANALYZE TABLE {', '.join(TABLES)}")

    def apart(self, url: str) -> str:
        return url

    def rows(self, url: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        with closing(self._connect(url)) as driver, driver.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"SELECT * FROM {table}")
                found[table] = sorted(cursor.fetchall(), key=repr)
        return found

    def by_hand(self, name: str, url: str, app: Application) -> HandWritten:
        from handwritten.mysql import ByMysql

        return ByMysql(url, app)

    def close(self) -> None:
        self._server.close()

    def _connect(self, url: str):
        from handwritten.mysql import connect_mysql

        return connect_mysql(url)


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _insert(driver: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    driver.executemany(insert_into(table, "?"), rows)
