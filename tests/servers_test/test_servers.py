"""The servers that the other tests rely on: fresh databases, emptied ones, and what outlives a crash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from servers import mariadb, postgres
from servers.fixtures import Kind, require, require_private
from servers.postgres import PostgresServer, PrivatePostgres, find_postgres, wheel_binaries
from servers.private import PATIENCE
from servers.protocol import RestartableServer, Server, Unavailable, once

KINDS: tuple[Kind, ...] = ("postgresql", "mysql")

TABLES = """
CREATE TABLE hullo_migration (number int PRIMARY KEY);
CREATE TABLE parent (id int PRIMARY KEY, favourite int, note text);
CREATE TABLE child (id int PRIMARY KEY, parent_id int, FOREIGN KEY (parent_id) REFERENCES parent (id));
ALTER TABLE parent ADD FOREIGN KEY (favourite) REFERENCES child (id)
"""

ROWS = """
INSERT INTO parent VALUES (1, NULL, '');
INSERT INTO child VALUES (1, 1);
UPDATE parent SET favourite = 1
"""


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    return require(request.param)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture(params=KINDS, scope="module")
def private(request: pytest.FixtureRequest) -> Iterator[RestartableServer]:
    with require_private(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def private_postgres() -> Iterator[RestartableServer]:
    with require_private("postgresql") as server:
        yield server


def connect(url: str) -> Any:
    return postgres.connect(url) if url.startswith("postgresql") else mariadb.connect(url)


def ask(connection: Any, statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement."""
    rows: Sequence[tuple[Any, ...]] = ()
    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else ()
    return list(rows)


def once_asked(url: str, statements: str) -> list[tuple[Any, ...]]:
    with closing(connect(url)) as connection:
        return ask(connection, statements)


def test_each_new_database_is_empty_and_separate(server: Server) -> None:
    urls = [server.new_database() for _ in range(2)]
    for url in urls:
        once_asked(url, "CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        assert once_asked(url, "SELECT * FROM t") == [(1,)]
        server.drop(url)
        with pytest.raises((psycopg.OperationalError, pymysql.OperationalError)):
            connect(url)


def test_new_database_takes_options(server: Server) -> None:
    """So that a store can be tried where text is compared or kept in another way."""
    if isinstance(server, PostgresServer):
        url = server.new_database("TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        assert once_asked(url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == [("C",)]
    else:
        url = server.new_database("CHARACTER SET latin1")
        assert once_asked(url, "SELECT @@character_set_database") == [("latin1",)]
    server.drop(url)


def test_database_is_dropped_despite_open_connections(server: Server) -> None:
    url = server.new_database()
    with closing(connect(url)) as idle, closing(connect(url)) as busy:
        ask(idle, "CREATE TABLE t (n int)")
        ask(busy, "BEGIN; INSERT INTO t VALUES (1)")
        server.drop(url)
        with pytest.raises((psycopg.OperationalError, pymysql.Error)):
            ask(idle, "SELECT * FROM t")


def test_foreign_database_is_never_dropped(server: Server) -> None:
    with pytest.raises(AssertionError, match="not a database of the tests"):
        server.drop(server.url.rpartition("/")[0] + "/precious")


@pytest.mark.parametrize("more", [3, 600], ids=["few rows", "many rows"])
def test_emptying_keeps_tables_and_migrations(server: Server, url: str, more: int) -> None:
    server.empty(url)  # where there is nothing yet
    with closing(connect(url)) as connection:
        ask(connection, f"{TABLES}; INSERT INTO hullo_migration VALUES (7)")
        for _ in range(2):
            ask(connection, ROWS)
            rows = ", ".join(f"({number}, 1, '{os.urandom(4000).hex()}')" for number in range(2, 2 + more))
            ask(connection, f"INSERT INTO parent VALUES {rows}")
            server.empty(url)
            assert ask(connection, "SELECT * FROM parent") == []
            assert ask(connection, "SELECT * FROM child") == []
            assert ask(connection, "SELECT * FROM hullo_migration") == [(7,)]


def test_emptying_continues_after_a_lost_connection() -> None:
    server = require("postgresql")
    url = server.new_database()
    once_asked(url, TABLES)
    server.empty(url)
    once_asked(
        url,
        f"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
        {ROWS}
        """,
    )
    server.empty(url)
    assert once_asked(url, "SELECT * FROM child") == []
    server.drop(url)


def test_emptying_needs_no_superuser(private_postgres: RestartableServer) -> None:
    once_asked(private_postgres.url, "CREATE ROLE plain LOGIN CREATEDB")
    with closing(find_postgres(private_postgres.url.replace("postgres@", "plain@"))) as server:
        url = server.new_database()
        with closing(connect(url)) as connection:
            ask(connection, f"{TABLES}; {ROWS}")
            server.empty(url)
            assert ask(connection, "SELECT * FROM parent") == []


def test_unreachable_server_is_a_skip_reason() -> None:
    with pytest.raises(Unavailable, match=r"no PostgreSQL: .*refused"):
        find_postgres("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable, match=r"no MariaDB: .*refused"):
        mariadb.find_mariadb("mysql://nobody@127.0.0.1:1")


def test_role_without_createdb_is_reported(private_postgres: RestartableServer) -> None:
    once_asked(private_postgres.url, "CREATE ROLE guest LOGIN")
    with pytest.raises(Unavailable, match="guest may not create databases"):
        find_postgres(private_postgres.url.replace("postgres@", "guest@"))


def test_server_is_looked_up_once() -> None:
    searches: list[int] = []

    @once
    def find() -> str:
        searches.append(1)
        raise Unavailable("nowhere")

    for _ in range(2):
        with pytest.raises(Unavailable, match="nowhere"):
            find()
    assert len(searches) == 1


@pytest.mark.parametrize("where", ["private", "wheel"])
def test_postgres_is_started_when_needed(where: str) -> None:
    try:
        server = find_postgres(where)
    except Unavailable as reason:
        pytest.skip(str(reason))
    url = server.new_database()
    assert once_asked(url, "SELECT 1") == [(1,)]
    server.close()
    with pytest.raises(psycopg.OperationalError):
        connect(url)


def test_mariadb_is_started_when_needed() -> None:
    try:
        server = mariadb.find_mariadb("private")
    except Unavailable as reason:
        pytest.skip(str(reason))
    url = server.new_database()
    assert once_asked(url, "SELECT @@character_set_database") == [("utf8mb4",)]
    server.close()
    with pytest.raises(pymysql.OperationalError):
        connect(url)


def test_owner_only_wheel_is_copied(tmp_path: Path) -> None:
    try:
        binaries = wheel_binaries()
    except Unavailable as reason:
        pytest.skip(str(reason))
    package = binaries.parent.parent
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(package.with_name(f"{package.name}.libs"), hidden / f"{package.name}.libs")
    shutil.copytree(binaries.parent, hidden / package.name / binaries.parent.name)
    with PrivatePostgres(hidden / package.name / binaries.parent.name / "bin") as server:
        assert once_asked(server.url, "SELECT 1") == [(1,)]


def test_restart_keeps_committed_rows(private: RestartableServer) -> None:
    once_asked(private.url, "CREATE TABLE restarted (n int); INSERT INTO restarted VALUES (1)")
    with closing(connect(private.url)) as lingering:
        private.stop()
        with pytest.raises((psycopg.OperationalError, pymysql.Error)):
            ask(lingering, "SELECT * FROM restarted")
        with pytest.raises((psycopg.OperationalError, pymysql.Error)):
            connect(private.url)
    private.start()
    assert once_asked(private.url, "SELECT * FROM restarted") == [(1,)]


def test_kill_keeps_only_committed_rows(private: RestartableServer) -> None:
    once_asked(private.url, "CREATE TABLE killed (n int); INSERT INTO killed VALUES (-1)")
    with closing(connect(private.url)) as open_transaction:
        ask(open_transaction, "BEGIN; INSERT INTO killed VALUES (-2)")
        private.kill()
    private.start()
    assert once_asked(private.url, "SELECT * FROM killed") == [(-1,)]


def test_kill_under_load_loses_no_answered_write(private: RestartableServer) -> None:
    once_asked(private.url, "CREATE TABLE load_killed (n int)")
    answered: list[int] = []

    def write(first: int) -> None:
        with suppress(psycopg.OperationalError, pymysql.Error), closing(connect(private.url)) as connection:
            for number in range(first, first + 100_000):
                ask(connection, f"INSERT INTO load_killed VALUES ({number})")
                answered.append(number)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, thread * 100_000) for thread in range(4)]
        while len(answered) < 40:
            time.sleep(0.001)
        private.kill()
    for writer in writers:
        writer.result()
    private.start()
    assert set(answered) <= {number for (number,) in once_asked(private.url, "SELECT n FROM load_killed")}


ABANDONED = """
import os, signal, sys
from servers.fixtures import require_private
server = require_private("{kind}")
server.start()
print(server.url, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_killed_test_run_leaves_nothing_behind(kind: Kind) -> None:
    require_private(kind).close()
    script = ABANDONED.replace("{kind}", kind)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    url, folder = done.stdout.split()
    deadline = time.monotonic() + PATIENCE
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises((psycopg.OperationalError, pymysql.OperationalError)):
        connect(url)
