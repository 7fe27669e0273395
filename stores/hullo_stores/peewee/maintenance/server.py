"""Maintenance of a database on a server: its state, and the tools of its own that make its backups."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from peewee import Database

from hullo.errors import SettingsError
from hullo.store.maintenance import Finding, Progress
from hullo.value import Value
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of

CLOCK_TOLERANCE_SECONDS: Final = 2.0
"""Servers check expiry by their own clocks, which must agree; the database's clock is the one that they share."""


class BackupTools(Value):
    """The commands of a server's own backup tools, with `{database}` and `{file}` as placeholders."""

    product: str
    port: int
    """Where the server listens unless told otherwise."""
    dump: str
    load: str
    code: str | None = None
    """SQL for kind, name and table of all triggers and rules of the database. None: the product has none."""

    def to_dump(self, database: str, file: Path) -> str:
        """Return a sentence that names the command for a backup."""
        return self._sentence("makes its own backups", self.dump, database, file)

    def to_load(self, database: str, file: Path) -> str:
        """Return a sentence that names the command for a restore."""
        return self._sentence("is restored by its own tools", self.load, database, file)

    def _sentence(self, does: str, command: str, database: str, file: Path) -> str:
        typed = command.format(database=shlex.quote(database), file=shlex.quote(str(file)))
        return f"{self.product} {does}; type  {typed}  and see 'Backup and restore' in stores/README.md"


POSTGRESQL: Final = BackupTools(
    product="PostgreSQL",
    port=5432,
    dump="pg_dump --format=custom --no-owner --file={file} {database}",
    load="pg_restore --clean --if-exists --no-owner --single-transaction --dbname={database} {file}",
    code="SELECT 'trigger', tgname::text, relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace "
    "UNION ALL SELECT 'rule', rulename::text, tablename::text FROM pg_rules WHERE schemaname = current_schema()",
)
MARIADB: Final = BackupTools(
    product="MariaDB",
    port=3306,
    dump="mariadb-dump --single-transaction --hex-blob --result-file={file} {database}",
    load="mariadb {database} < {file}",
    code="SELECT 'trigger', trigger_name, event_object_table FROM information_schema.triggers "
    "WHERE event_object_schema = DATABASE()",
)
COCKROACHDB: Final = BackupTools(
    product="CockroachDB",
    port=26257,
    dump="BACKUP DATABASE {database} INTO 'nodelocal://1/hullo';",
    load="RESTORE DATABASE {database} FROM LATEST IN 'nodelocal://1/hullo';",
)


class ServerState(Value):
    """What every server is asked. `durability` names the settings that decide when a commit is durable;
    `durability_advice` is None where an answered write survives every crash that the server is set up for."""

    ahead_seconds: float
    pool: int
    used_connections: int
    max_connections: int
    durability: str
    durability_advice: str | None
    is_writable: bool

    def findings(self) -> Iterable[Finding]:
        """Yield the state as findings."""
        yield clock_finding(self.ahead_seconds)
        pool = (
            f"{self.pool} for each process; of the server's {self.max_connections}, {self.used_connections} are in use"
        )
        more = "allow the server more connections, or each process fewer with pool="
        yield Finding(
            name="pool", value=pool, advice=more if self.used_connections + self.pool > self.max_connections else None
        )
        yield Finding(name="commit", value=self.durability, advice=self.durability_advice)
        standby = "it is a standby, or set to be read only; connect to the primary"
        yield Finding(
            name="writing",
            value="allowed" if self.is_writable else "refused",
            advice=None if self.is_writable else standby,
        )


def clock_finding(ahead_seconds: float) -> Finding:
    """Report by how many seconds the database's clock is ahead of this machine's."""
    value = f"{ahead_seconds:+.3f} s against this machine's"
    if abs(ahead_seconds) <= CLOCK_TOLERANCE_SECONDS:
        return Finding(name="clock", value=value)
    return Finding(name="clock", value=value, advice="set both clocks by NTP: sessions and keys expire by them")


def clock_ahead(connection: Connection, now: str) -> float:
    """Measure by how many seconds the server's clock is ahead. `now` is SQL for seconds since 1970."""
    before = time.time()  # the mean of before and after cancels the round trip
    ((theirs,),) = connection.rows(now)
    return float(theirs) - (before + time.time()) / 2


class ServerMaintenance:
    """Implement `EngineMaintenance` for a server."""

    def __init__(
        self, database: Database, tools: BackupTools, findings: Callable[[Connection], Iterable[Finding]]
    ) -> None:
        """`findings` yields the engine's own findings."""
        self._database = database
        self._tools = tools
        self._findings = findings

    @property
    def location(self) -> str:
        """Return the server, by the name that the URL gives it, and the name of the database."""
        connects: Mapping[str, object] = self._database.connect_params
        socket, host = connects.get("unix_socket"), str(connects.get("host") or "localhost").lower()
        server = str(socket) if socket else f"{host}:{connects.get('port') or self._tools.port}"
        return f"{self._tools.product}:{server}/{self._database.database!s}"

    def require_database(self) -> None:
        """Do nothing: a server refuses a connection to a database that does not exist."""

    def findings(self, connection: Connection) -> Iterable[Finding]:
        """See `EngineMaintenance`."""
        return self._findings(connection)

    def foreign_code(self, connection: Connection) -> Sequence[str]:
        """See `EngineMaintenance`."""
        if self._tools.code is None:
            return ()
        own = {HISTORY_TABLE, *map(name_of, TABLES)}
        return [f"the {kind} {name}" for kind, name, table in connection.rows(self._tools.code) if table in own]

    def backup(self, file: Path, progress: Progress, *, replace: bool) -> None:  # noqa: ARG002  # refused anyway
        """Raise `SettingsError` with the command to type."""
        raise SettingsError(self._tools.to_dump(str(self._database.database), file))

    def has_rows(self) -> bool:
        """Return False: `restore` replaces nothing here."""
        return False

    def restore(self, file: Path, progress: Progress) -> None:  # noqa: ARG002  # refused anyway
        """Raise `SettingsError` with the command to type."""
        raise SettingsError(self._tools.to_load(str(self._database.database), file))
