"""Brings a database's schema up to date, and says when it is not."""

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
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HISTORY_TABLE: Final = "hullo_migration"
STALE_MIGRATION_AGE: Final = timedelta(minutes=10)
KNOWN_MIGRATIONS: Final = frozenset[str](migration.name for migration in Migration.load_directory(str(MIGRATIONS)))
UNFINISHED_PREFIX: Final = "unfinished migration "
"""Begins the name of a migration that has begun, in the history of an engine where a schema cannot be rolled back."""
UNFINISHED_COPY: Final = "unfinished copy of "
"""Followed by what `Target.begin` was told: 32 hexadecimal digits."""


def migrate(engine: Engine) -> None:
    """Applies what is pending, once, however many processes start together. Raises `StoreUnavailable`.

    Peewee's runner takes no lock, so that two at once would both find a migration pending.
    """
    if _is_current(engine):
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


def require_current(engine: Engine) -> None:
    """Raises `StoreUnavailable` unless exactly the known migrations have been applied."""
    applied = _applied_migrations(engine)
    _require_known(applied)
    if pending := KNOWN_MIGRATIONS - applied:
        raise StoreUnavailable(f"the database lacks {', '.join(sorted(pending))}; run 'hullo migrate'")


def pending_sql(engine: Engine) -> Sequence[str]:
    """The statements that `bring_up_to_date` would run, each in the engine's own words. Runs none of them."""
    applied = _applied_when_closed(engine)
    _require_known(applied)
    runner = _runner(engine.database)
    with _captured_sql(engine.database) as texts:
        if not applied:
            runner.History.create_table(safe=False)
        for migration in runner.migrations():
            if migration.name not in applied:
                migration.load().up(runner.migrator, engine.database)
                texts.append(
                    f"INSERT INTO {HISTORY_TABLE} (name, applied) VALUES ('{migration.name}', CURRENT_TIMESTAMP)"
                )
    return tuple(texts)


def _is_current(engine: Engine) -> bool:
    """Asked before the lock is taken, as the usual start has nothing to do and should wait for nobody."""
    try:
        require_current(engine)
    except StoreUnavailable:
        return False  # a new database has no history yet; what else is wrong will be told under the lock
    return True


def _applied_migrations(engine: Engine) -> set[str]:
    with engine.autocommit_connection() as connection:
        return {name for (name,) in connection.rows(f"SELECT name FROM {HISTORY_TABLE}")}


def _applied_when_closed(engine: Engine) -> set[str]:
    """For an engine that is not open. Makes no database where there is none."""
    try:
        engine.maintenance.require_database()
    except StoreUnavailable:
        return set()
    engine.open()
    try:
        with engine.autocommit_connection():  # by Peewee, on the same connection
            if not engine.database.table_exists(HISTORY_TABLE):
                return set()
        return _applied_migrations(engine)
    finally:
        engine.close()


def _runner(database: Database) -> Any:
    return Runner(database, directory=str(MIGRATIONS), table_name=HISTORY_TABLE)


@contextmanager
def _captured_sql(database: Database) -> Generator[list[str]]:
    """Inside, statements that Peewee would run are only noted down."""
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
    """Where a schema cannot be rolled back, takes back what a process left that died at this migration before."""
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
    """Each node of a cluster has a lock of its own, so that somebody on another may still be at it."""
    if getattr(runner.database, "several_nodes", False):
        (begun,) = (row.applied for row in runner.History.select().where(runner.History.name == marker))
        if datetime.now() - begun < STALE_MIGRATION_AGE:
            raise StoreUnavailable("another node is bringing the database up to date; try again in a few minutes")


def _require_own_tables(database: Database) -> None:
    """Before anything is made: where a schema cannot be rolled back, nothing may be half made beside another's."""
    if taken := {name_of(table) for table in TABLES}.intersection(database.get_tables()):
        raise StoreUnavailable(
            f"the database has tables that are not hullo's ({', '.join(sorted(taken))}); give hullo one of its own"
        )


def _require_known(applied: Collection[str]) -> None:
    if unfinished_copy(applied) is not None:
        raise StoreUnavailable(
            "the database holds an unfinished copy; run the same 'hullo store copy' again to finish it"
        )
    known = {*KNOWN_MIGRATIONS, *(f"{UNFINISHED_PREFIX}{name}" for name in KNOWN_MIGRATIONS)}
    if unknown := set(applied) - known:
        raise StoreUnavailable(
            f"the database was made by a newer hullo: it has {', '.join(sorted(unknown))}; update this one"
        )


def unfinished_copy(applied: Iterable[str]) -> str | None:
    """What the copy is of; None when the history holds no unfinished copy."""
    for name in applied:
        if name.startswith(UNFINISHED_COPY):
            return name.removeprefix(UNFINISHED_COPY)
    return None
