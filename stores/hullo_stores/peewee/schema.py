"""Migrates a database's schema, and checks that it is current."""

# playhouse has no stubs, and needs none: its runner is called here and nowhere else.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from peewee import Database
from playhouse.migrations import Migration, Runner

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import EmailCollision, Progress, no_progress
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.data_migrations import REINDEX_EMAILS, literal_sql, pending_reindex
from hullo_stores.peewee.email_index import EmailReindex
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE, UNFINISHED_SEARCH, finish_index, is_index_current
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_PROBE: Final = "write probe"
WRITE_PROBE: Final = (
    f"INSERT INTO {HISTORY_TABLE} (name, applied) VALUES ('{_PROBE}', CURRENT_TIMESTAMP)",
    f"DELETE FROM {HISTORY_TABLE} WHERE name = '{_PROBE}'",
)
"""A transaction that leaves nothing, and is written all the same: an UPDATE to equal values is not, on some engines."""
STALE_MIGRATION_AGE: Final = timedelta(minutes=10)
KNOWN_MIGRATIONS: Final = frozenset[str](migration.name for migration in Migration.load_directory(str(MIGRATIONS)))
UNFINISHED_PREFIX: Final = "unfinished migration "
"""Prefix of a begun migration in the history, on engines where DDL cannot be rolled back."""
UNFINISHED_COPY: Final = "unfinished copy of "
"""Followed by what `CopyTarget.begin` was told: 32 hexadecimal digits."""


def migrate(engine: Engine, progress: Progress = no_progress) -> None:
    """Apply pending migrations once, however many processes start together. Raises `StoreUnavailable`.

    Peewee's runner takes no lock: without `migration_lock` two processes would both find a migration pending.
    """
    if _is_current(engine) and is_index_current(engine):
        return
    with engine.migration_lock():
        runner = _runner(engine.database)
        applied = set[str](runner.applied())
        _require_known(applied)
        if not applied:
            _require_own_tables(engine.database)
            runner.History.create_table()
        for name in sorted(KNOWN_MIGRATIONS):
            if name not in applied:
                with _recoverable_migration(runner, name, applied):
                    runner.up(target=name)
    finish_index(engine, progress)


def require_current(engine: Engine) -> None:
    """Raise `StoreUnavailable` unless exactly the known migrations have been applied."""
    applied = _applied_migrations(engine)
    _require_known(applied)
    if pending := KNOWN_MIGRATIONS - applied:
        raise StoreUnavailable(f"the database lacks {', '.join(sorted(pending))}; run 'hullo migrate'")
    if UNFINISHED_SEARCH in applied:
        raise StoreUnavailable("the database cannot be searched yet; run 'hullo migrate' to finish its index")


def pending_sql(engine: Engine) -> Sequence[str]:
    """Return the statements that `migrate` would run, in the engine's dialect. Runs none of them."""
    applied, reindex = _state_when_closed(engine)
    _require_known(applied)
    runner = _runner(engine.database)
    with _captured_sql(engine.database) as texts:
        if not applied:
            runner.History.create_table(safe=False)
        for migration in runner.migrations():
            if migration.name not in applied:
                # What it would run depends on the rows, which are read above.
                if migration.name == REINDEX_EMAILS:
                    texts += (literal_sql(engine.database, statement) for statement in reindex.statements)
                else:
                    migration.load().up(runner.migrator, engine.database)
                texts.append(
                    f"INSERT INTO {HISTORY_TABLE} (name, applied) VALUES ('{migration.name}', CURRENT_TIMESTAMP)"
                )
    if UNFINISHED_SEARCH in applied:
        texts.append("/* at its next start, hullo goes on to fill contact_search from all contacts */")
    return tuple(texts)


def pending_collisions(engine: Engine) -> Sequence[EmailCollision]:
    """Return the collisions of emails that `migrate` would find. Writes nothing."""
    applied, reindex = _state_when_closed(engine)
    _require_known(applied)
    return reindex.collisions


def _is_current(engine: Engine) -> bool:
    """Check without the lock first: the usual start has nothing to migrate and should not wait."""
    try:
        require_current(engine)
    except StoreUnavailable:
        return False  # a new database has no history yet; other errors are raised again under the lock
    return True


def _applied_migrations(engine: Engine) -> set[str]:
    with engine.autocommit_connection() as connection:
        return {name for (name,) in connection.rows(f"SELECT name FROM {HISTORY_TABLE}")}


def _state_when_closed(engine: Engine) -> tuple[set[str], EmailReindex]:
    """Read the history of an engine that is not open, and plan the migration of its data. Creates no database."""
    unknown = set[str](), EmailReindex(statements=(), collisions=())
    try:
        engine.maintenance.require_database()
    except StoreUnavailable:
        return unknown
    engine.open()
    try:
        with engine.autocommit_connection() as connection:  # Peewee uses the same connection
            if not engine.database.table_exists(HISTORY_TABLE):
                return unknown
            applied = {name for (name,) in connection.rows(f"SELECT name FROM {HISTORY_TABLE}")}
            return applied, pending_reindex(engine.database, connection, applied)
    finally:
        engine.close()


def _runner(database: Database) -> Any:
    return Runner(database, directory=str(MIGRATIONS), table_name=HISTORY_TABLE)


@contextmanager
def _captured_sql(database: Database) -> Generator[list[str]]:
    """Record the statements that Peewee would run, instead of running them."""
    texts: list[str] = []

    def note(text: str, values: Sequence[object] = ()) -> None:
        if values:
            raise AssertionError(f"a migration that binds values cannot be shown: {text}")
        texts.append(text)

    vars(database)["execute_sql"] = note
    try:
        yield texts
    finally:
        del vars(database)["execute_sql"]


@contextmanager
def _recoverable_migration(runner: Any, name: str, applied: Collection[str]) -> Generator[None]:
    """Where DDL cannot be rolled back, first undo what a killed process left of this migration."""
    if getattr(runner.database, "transactional_schema", True):
        yield
        return
    marker = f"{UNFINISHED_PREFIX}{name}"
    if marker in applied:
        _require_single_node(runner, marker)
        (migration,) = (known for known in runner.migrations() if known.name == name)
        migration.load().down(runner.migrator, runner.database)
    else:
        runner.History.create(name=marker)
    yield
    runner.History.delete().where(runner.History.name == marker).execute()


def _require_single_node(runner: Any, marker: str) -> None:
    """Raise `StoreUnavailable` if another node may be migrating: named locks of a Galera cluster are local to a
    node."""
    if getattr(runner.database, "several_nodes", False):
        (begun,) = (row.applied for row in runner.History.select().where(runner.History.name == marker))
        if datetime.now() - begun < STALE_MIGRATION_AGE:
            raise StoreUnavailable("another node is bringing the database up to date; try again in a few minutes")


def _require_own_tables(database: Database) -> None:
    """Raise `StoreUnavailable` if the database holds other tables of these names, before any is created: DDL may not be
    rolled back."""
    if taken := {name_of(table) for table in TABLES}.intersection(database.get_tables()):
        raise StoreUnavailable(
            f"the database has tables that are not hullo's ({', '.join(sorted(taken))}); give hullo one of its own"
        )


def _require_known(applied: Collection[str]) -> None:
    if unfinished_copy(applied) is not None:
        raise StoreUnavailable(
            "the database holds an unfinished copy; run the same 'hullo store copy' again to finish it"
        )
    known = {*KNOWN_MIGRATIONS, UNFINISHED_SEARCH, *(f"{UNFINISHED_PREFIX}{name}" for name in KNOWN_MIGRATIONS)}
    if unknown := set(applied) - known:
        raise StoreUnavailable(
            f"the database was made by a newer hullo: it has {', '.join(sorted(unknown))}; update this one"
        )


def unfinished_copy(applied: Iterable[str]) -> str | None:
    """Return the fingerprint of the source whose copy is unfinished. None if the history holds no unfinished copy."""
    for name in applied:
        if name.startswith(UNFINISHED_COPY):
            return name.removeprefix(UNFINISHED_COPY)
    return None
