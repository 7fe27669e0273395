"""CockroachDB, which speaks PostgreSQL's language. Expected to work, and untested: no server could be tried."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import Final

from playhouse.cockroachdb import CockroachDatabase as PeeweesOwn

from hullo.errors import SettingsError
from hullo_stores.peewee.dialect import PostgresqlDialect
from hullo_stores.peewee.engines.postgresql import PostgresqlDatabase, PostgresqlEngine, PostgresqlSettings
from hullo_stores.peewee.engines.server import ServerConnection
from hullo_stores.peewee.maintenance.server import COCKROACHDB
from hullo_stores.peewee.store import PeeweeStore

SCHEME: Final = "cockroachdb://"
PORT: Final = "26257"


def open_cockroachdb(url: str) -> PeeweeStore:
    """A store in CockroachDB 23.2 or newer; its URL takes what PostgreSQL's takes. Not opened yet."""
    settings = PostgresqlSettings.from_url(f"postgresql://{url.removeprefix(SCHEME)}")
    if settings.pooler:
        raise SettingsError("CockroachDB needs no pooler: leave 'pooler=transaction' out of the URL")
    settings.libpq.setdefault("port", PORT)
    return PeeweeStore(CockroachdbEngine(settings))


class CockroachdbDialect(PostgresqlDialect):
    """See `PostgresqlDialect`."""

    lock_clause = "FOR UPDATE"


class CockroachdbDatabase(PostgresqlDatabase, PeeweesOwn):  # type: ignore[misc]
    """Peewee's own class, in hullo's pool."""

    text_collation = None  # texts compare byte by byte unless told otherwise
    transactional_schema = False


class CockroachdbEngine(PostgresqlEngine):
    """See `PostgresqlEngine`."""

    tools = COCKROACHDB
    dialect_class = CockroachdbDialect
    database_class = CockroachdbDatabase

    def _check_server(self, connection: ServerConnection) -> None:
        """Any version that answers: none could be tried, and so none is refused."""
        connection.rows("SELECT 1")
