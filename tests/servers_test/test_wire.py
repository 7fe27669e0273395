"""The counting proxy, against what is known of psycopg and PyMySQL, and byte by byte."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pymysql
import pytest

from servers import mariadb, postgres
from servers.fixtures import Kind, require
from servers.private import PATIENCE
from servers.protocol import Server
from servers.wire import Dialect, MySQLDialect, PostgresDialect, Wire, counting

LOST = (psycopg.OperationalError, pymysql.OperationalError)


@pytest.fixture(params=["postgresql", "mysql"])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
def server(kind: Kind) -> Server:
    return require(kind)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    url = server.new_database()
    with closing(connect(url)) as connection:
        execute(connection, "CREATE TABLE t (n int)")
    yield url
    server.drop(url)


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    with counting(url) as wire:
        yield wire


@pytest.fixture
def psycopg_wire() -> Iterator[Wire]:
    with counting(require("postgresql").url) as wire:
        yield wire


@pytest.fixture
def pymysql_wire() -> Iterator[Wire]:
    with counting(require("mysql").url) as wire:
        yield wire


def connect(url: str) -> Any:
    return postgres.connect(url) if url.startswith("postgresql") else mariadb.connect(url)


def execute(connection: Any, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def rows(url: str) -> list[int]:
    with closing(connect(url)) as connection:
        return [number for (number,) in execute(connection, "SELECT n FROM t ORDER BY n")]


def test_postgres_connection_setup_is_not_counted(psycopg_wire: Wire) -> None:
    psycopg.connect(psycopg_wire.url).close()
    assert (psycopg_wire.texts, psycopg_wire.trips) == ([], 0)


def test_psycopg_autocommit_statements_are_counted(psycopg_wire: Wire) -> None:
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection:
        connection.execute("SELECT 1")
        assert (psycopg_wire.texts, psycopg_wire.trips) == (["SELECT 1"], 1)
        connection.execute("SELECT %s", [2])
        assert (psycopg_wire.texts, psycopg_wire.trips) == (["SELECT 1", "SELECT $1"], 2)
        psycopg_wire.reset()
        assert (psycopg_wire.statements, psycopg_wire.trips) == (0, 0)


def test_psycopg_transaction_statements_are_counted(psycopg_wire: Wire) -> None:
    with psycopg.connect(psycopg_wire.url) as connection:
        connection.execute("SELECT 1")
    assert (psycopg_wire.texts, psycopg_wire.trips) == (["BEGIN", "SELECT 1", "COMMIT"], 3)


def test_psycopg_prepare_costs_its_own_trip(psycopg_wire: Wire) -> None:
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection:
        for number in range(3):
            connection.execute("SELECT %s", [number], prepare=True)
    assert (psycopg_wire.texts, psycopg_wire.trips) == (["SELECT $1"] * 3, 4)


def test_pipeline_is_one_trip(psycopg_wire: Wire) -> None:
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection, connection.pipeline():
        for number in range(3):
            connection.execute("SELECT %s", [number])
    assert (psycopg_wire.statements, psycopg_wire.trips) == (3, 1)


def test_pymysql_statements_are_counted(pymysql_wire: Wire) -> None:
    with closing(mariadb.connect(pymysql_wire.url)) as connection:
        pymysql_wire.reset()
        execute(connection, "SELECT 1")
        assert (pymysql_wire.texts, pymysql_wire.trips) == (["SELECT 1"], 1)
        connection.begin()
        execute(connection, "SELECT 2")
        connection.commit()
        assert (pymysql_wire.texts, pymysql_wire.trips) == (["SELECT 1", "BEGIN", "SELECT 2", "COMMIT"], 4)
        connection.ping()
        assert (pymysql_wire.statements, pymysql_wire.trips) == (4, 5)
    assert (pymysql_wire.statements, pymysql_wire.trips) == (4, 5)


def test_pymysql_encrypts_when_offered(pymysql_wire: Wire) -> None:
    """It does so wherever that is offered."""
    port = int(pymysql_wire.url.rpartition(":")[2].partition("/")[0])
    with closing(pymysql.connect(host="127.0.0.1", port=port, user="root", ssl_disabled=False)) as connection:
        execute(connection, "SELECT 1")
    assert pymysql_wire.texts[-1] == "SELECT 1"


def test_long_statement_in_segments_counts_once(wire: Wire) -> None:
    text = "x" * 1_000_000
    with closing(connect(wire.url)) as connection:
        wire.reset()
        assert execute(connection, f"SELECT '{text}'")[0] == (text,)
    assert (wire.texts, wire.trips) == ([f"SELECT '{text}'"], 1)


def test_all_connections_are_counted_together(wire: Wire) -> None:
    def ask(first: int) -> None:
        with closing(connect(wire.url)) as connection:
            for number in range(first, first + 25):
                execute(connection, f"SELECT {number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(0, 100, 25)))
    assert sorted(text for text in wire.texts if "SELECT" in text) == sorted(f"SELECT {n}" for n in range(100))


def test_cut_ends_connections_and_refuses_new_ones(wire: Wire) -> None:
    with closing(connect(wire.url)) as idle, closing(connect(wire.url)) as busy:
        execute(busy, "BEGIN")
        execute(busy, "INSERT INTO t VALUES (1)")
        wire.cut()
        for connection in (idle, busy):
            with pytest.raises(LOST):
                execute(connection, "SELECT 1")
        with pytest.raises(LOST):
            connect(wire.url)
    wire.mend()
    assert rows(wire.url) == []


def test_cut_ends_a_waiting_connection(wire: Wire, kind: Kind) -> None:
    sleep = "SELECT pg_sleep(2)" if kind == "postgresql" else "SELECT SLEEP(2)"
    with closing(connect(wire.url)) as connection, ThreadPoolExecutor(1) as pool:
        asleep = pool.submit(execute, connection, sleep)
        while sleep not in wire.texts:
            time.sleep(0.001)
        before = time.monotonic()
        wire.cut()
        with pytest.raises(LOST):
            asleep.result(PATIENCE)
        assert time.monotonic() - before < 1


def test_wire_can_be_cut_and_mended_repeatedly(wire: Wire) -> None:
    wire.mend()  # which it was
    for _ in range(20):
        assert rows(wire.url) == []
        wire.cut()
        wire.cut()
        with pytest.raises(LOST):
            connect(wire.url)
        wire.mend()
    assert rows(wire.url) == []


def test_break_before_commit_loses_it(wire: Wire) -> None:
    with closing(connect(wire.url)) as connection, closing(connect(wire.url)) as other:
        execute(connection, "BEGIN")
        execute(connection, "INSERT INTO t VALUES (1)")
        wire.break_before("COMMIT")
        with pytest.raises(LOST):
            execute(connection, "COMMIT")
        execute(other, "COMMIT")  # once is enough
        assert rows(wire.url) == []


def test_break_after_commit_loses_only_the_answer(wire: Wire) -> None:
    with closing(connect(wire.url)) as connection, closing(connect(wire.url)) as other:
        execute(connection, "BEGIN")
        execute(connection, "INSERT INTO t VALUES (1)")
        wire.break_after("COMMIT")
        with pytest.raises(LOST):
            execute(connection, "COMMIT")
        execute(other, "COMMIT")
        assert rows(wire.url) == [1]


@pytest.mark.parametrize("how", ["before", "after"])
def test_break_within_pipeline_raises_lost(psycopg_wire: Wire, how: str) -> None:
    def ask(connection: psycopg.Connection) -> None:
        with connection.pipeline():
            for text in ("first", "second", "third"):
                connection.execute(f"SELECT '{text}'")

    (psycopg_wire.break_before if how == "before" else psycopg_wire.break_after)("'second'")
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection, pytest.raises(LOST):
        ask(connection)
    assert psycopg_wire.texts[:2] == ["SELECT 'first'", "SELECT 'second'"]
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection:
        ask(connection)


def test_final_server_message_reaches_the_client(psycopg_wire: Wire) -> None:
    with psycopg.connect(psycopg_wire.url, autocommit=True) as connection, pytest.raises(psycopg.errors.AdminShutdown):
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_server_notices_its_lost_clients(psycopg_wire: Wire) -> None:
    with closing(psycopg.connect(psycopg_wire.url)) as cut, closing(psycopg.connect(psycopg_wire.url)) as left:
        pids = [cut.info.backend_pid, left.info.backend_pid]
        left.close()
        psycopg_wire.cut()
    deadline = time.monotonic() + PATIENCE
    with closing(postgres.connect(require("postgresql").url)) as watching:
        while watching.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", [pids]).fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_missing_server_refuses_the_connection(kind: Kind) -> None:
    scheme = "postgresql" if kind == "postgresql" else "mysql"
    with counting(f"{scheme}://root@127.0.0.1:1/nothing") as wire, pytest.raises(LOST):
        connect(wire.url)


def test_wire_url_differs_only_in_address() -> None:
    with counting("postgresql://us%40er:p%3Ass@db.example:5433/name?application_name=a") as wire:
        port = wire.url.partition("127.0.0.1:")[2].partition("/")[0]
        assert wire.url == f"postgresql://us%40er:p%3Ass@127.0.0.1:{port}/name?application_name=a"
    with counting("postgresql:///name?host=/var/run/postgresql") as wire:
        port = wire.url.partition("127.0.0.1:")[2].partition("/")[0]
        assert wire.url == f"postgresql://127.0.0.1:{port}/name"


# Byte by byte


def pg(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def my(sequence: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([sequence]) + body


STARTUP = b"user\0root\0\0"
POSTGRES_TALK = [
    (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"),
    (8 + len(STARTUP)).to_bytes(4, "big") + (3 << 16).to_bytes(4, "big") + STARTUP,
    pg(b"p", b"QQQQSSSS\0"),
    pg(b"Q", b"SELECT 1\0"),
    pg(b"P", b"name\0SELECT $1\0\0\0"),
    pg(b"B", b"\0name\0\0\0\0\0\0\0"),
    pg(b"E", b"\0\0\0\0\0"),
    pg(b"E", b"\0\0\0\0\0"),
    pg(b"S"),
    pg(b"X"),
]
MYSQL_TALK = [
    my(1, b"\x03 the answer to the greeting"),
    my(0, b"\x03SELECT 1"),
    my(1, b"\x03 more of what was too long for one packet"),
    my(1, b""),
    my(0, b"\x16SELECT ?"),
    my(0, b"\x17\x05\0\0\0"),
    my(0, b"\x19\x05\0\0\0"),
    my(0, b"\x0e"),
    my(0, b"\x01"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize(
    ("new", "talk", "texts", "trips"),
    [
        (PostgresDialect, POSTGRES_TALK, ["SELECT 1", "SELECT $1", "SELECT $1"], 2),
        (MySQLDialect, MYSQL_TALK, ["SELECT 1", "(prepared statement 5)"], 4),
    ],
)
def test_messages_are_found_across_segments(
    new: type[Dialect], talk: list[bytes], texts: list[str], trips: int, size: int
) -> None:
    dialect, stream = new(), b"".join(talk)
    messages = [message for at in range(0, len(stream), size) for message in dialect.heard(stream[at : at + size])]
    assert [message.data for message in messages] == talk
    assert [message.text for message in messages if message.text is not None] == texts
    assert sum(message.trip for message in messages) == trips
    assert [message.reply for message in messages if message.reply] == ([b"N"] if new is PostgresDialect else [])


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_greeting_offers_no_encryption(size: int) -> None:
    head, tail = b"\x0a10.11.6-MariaDB\0" + bytes(4) + b"12345678\0", b"\x2d\x02\0"
    stream = my(0, head + b"\xff\xff" + tail) + b"more"
    dialect = MySQLDialect()
    told = b"".join(dialect.told(stream[at : at + size]) for at in range(0, len(stream), size))
    assert told == my(0, head + b"\xff\xf7" + tail) + b"more"


def test_refusal_instead_of_greeting_is_forwarded() -> None:
    refusal = my(0, b"\xff\x10\x04Too many connections")
    assert MySQLDialect().told(refusal) == refusal
