"""MariaDB or MySQL for tests: the one that is named, else the one that runs here, else one that is started.

`HULLO_TEST_MYSQL` may name a user who may create databases, `mysql://user:password@host:port`. With `private` a server
is started even where one runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import CLIENT, ER

from servers.private import PrivateServer, started
from servers.protocol import Unavailable, once
from servers.shared import KEPT, SharedServer

WHERE = os.environ.get("HULLO_TEST_MYSQL", "")

TABLES = """
SELECT table_name, data_length FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name <> %s
"""


class MariaDBServer(SharedServer):
    def create_named(self, name: str, options: str) -> None:
        with closing(connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} {options}")

    def drop_named(self, name: str) -> None:
        """A connection that was left with an open transaction would hold its tables, so all are ended first."""
        with closing(connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
            for (number,) in cursor.fetchall():
                try:
                    cursor.execute(f"KILL {number}")
                except pymysql.Error as error:
                    if error.args[0] != ER.NO_SUCH_THREAD:
                        raise
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")

    def empty(self, url: str) -> None:
        """Deletes few rows, which takes a fortieth of the time of TRUNCATE, and truncates what has grown.

        Raises `pymysql.OperationalError` where a transaction that was left open holds what is to go.
        """
        with closing(connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(TABLES, (KEPT,))
            sizes: list[tuple[str, int]] = list(cursor.fetchall())
            large = [f"TRUNCATE `{table}`" for table, size in sizes if size > 1_000_000]
            small = [f"DELETE FROM `{table}`" for table, size in sizes if size <= 1_000_000]
            cursor.execute("; ".join(["SET foreign_key_checks = 0", *large, "START TRANSACTION", *small, "COMMIT"]))
            while cursor.nextset():
                pass


class PrivateMariaDB(PrivateServer):
    """A server with the binaries that are installed."""

    stop_signal = signal.SIGTERM

    def __init__(self, *, durable: bool = True) -> None:
        super().__init__(owners=("mysql", "nobody"))
        self.url = f"mysql://root@127.0.0.1:{self.port}/test"
        self._settings = [] if durable else ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"]
        try:
            self._server = _installed("mariadbd")
            self.run(
                _installed("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self.folder}/data",
                "--auth-root-authentication-method=normal",
                "--innodb-log-file-size=16M",
            )
        except Unavailable:
            self.close()
            raise

    def command(self) -> list[str]:
        return [
            self._server,
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
            *self._settings,
        ]

    def connect(self) -> None:
        connect(self.url).close()


@once
def mariadb_server() -> MariaDBServer:
    """The server of this session. Its databases are dropped at the end, and so is a server that was started for it."""
    server = find_mariadb(WHERE)
    atexit.register(server.close)
    return server


def find_mariadb(where: str = "") -> MariaDBServer:
    if where == "private":
        return _started()
    url = where or "mysql://root@127.0.0.1:3306"
    try:
        connect(url).close()
    except pymysql.Error as error:
        refused = f"no MariaDB: {error.args[-1]}"
        if where:
            raise Unavailable(refused) from error
        try:
            return _started()
        except Unavailable as reason:
            raise Unavailable(f"{refused}; {reason}") from reason
    return MariaDBServer(url)


def connect(url: str, **options: Any) -> pymysql.Connection[Any]:
    """In autocommit mode. Encryption is only for a password: without one, it would cost most of the time."""
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path[1:]) or None,
        autocommit=True,
        ssl_disabled=not parts.password,
        client_flag=CLIENT.MULTI_STATEMENTS,
        init_command="SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
        connect_timeout=5,
        **options,
    )


def _started() -> MariaDBServer:
    private = started(PrivateMariaDB(durable=False))
    return MariaDBServer(private.url, private)


def _installed(name: str) -> str:
    """Servers are kept out of the path of those who are not root."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found
