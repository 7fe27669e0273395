"""CockroachDB, which speaks PostgreSQL's protocol. Expected to work, but untested: no server could be tried."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import Final

from playhouse.cockroachdb import CockroachDatabase as PeeweesOwn

from hullo.errors import SettingsError
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.dialect import PostgresqlDialect
from hullo_stores.peewee.engines.postgresql import PostgresqlDatabase, PostgresqlEngine, PostgresqlSettings
from hullo_stores.peewee.engines.server import ServerConnection
from hullo_stores.peewee.maintenance.server import COCKROACHDB
from hullo_stores.peewee.search.limits import SEARCH_SECONDS
from hullo_stores.peewee.store import PeeweeStore

SCHEME: Final = "cockroachdb://"
PORT: Final = "26257"


def open_cockroachdb(url: str) -> PeeweeStore:
    """Return a store in CockroachDB 23.2 or newer, not opened yet. Its URL takes what PostgreSQL's takes."""
    settings = PostgresqlSettings.from_url(f"postgresql://{url.removeprefix(SCHEME)}")
    if settings.pooler:
        raise SettingsError("CockroachDB needs no pooler: leave 'pooler=transaction' out of the URL")
    settings.libpq.setdefault("port", PORT)
    return PeeweeStore(CockroachdbEngine(settings))


class CockroachdbDialect(PostgresqlDialect):
    """See `PostgresqlDialect`."""

    lock_clause = "FOR UPDATE"
    row_version = "crdb_internal_mvcc_timestamp"


class CockroachdbDatabase(PostgresqlDatabase, PeeweesOwn):  # type: ignore[misc]
    """Peewee's CockroachDB class in hullo's pool."""

    text_collation = None  # text compares byte by byte by default
    transactional_schema = False


class CockroachdbEngine(PostgresqlEngine):
    """See `PostgresqlEngine`."""

    # Untested, so without what is PostgreSQL's own.
    search_begin_statements = (
        *PostgresqlEngine.read_begin_statements,
        f"SET LOCAL statement_timeout = {SEARCH_SECONDS * 1000}",
    )
    search_index = None
    tools = COCKROACHDB
    dialect_class = CockroachdbDialect
    database_class = CockroachdbDatabase

    def _count_standbys(self, connection: Connection) -> int:  # noqa: ARG002 - as PostgreSQL's asks
        """Return 0: every node has a part of the data, and none is a standby."""
        return 0

    def _check_server(self, connection: ServerConnection) -> None:
        """Accept any version that answers: none could be tried, so none is refused."""
        connection.rows("SELECT 1")
