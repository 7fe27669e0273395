"""Brings a database's schema up to date, and says when it is not."""

# playhouse has no stubs, and needs none: its runner is called here and nowhere else.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from playhouse.migrations import Migration, Runner

from hullo.errors import StoreUnavailable
from hullo_stores.peewee.connection import Engine

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HISTORY_TABLE: Final = "hullo_migration"
KNOWN: Final = frozenset[str](each.name for each in Migration.load_directory(str(MIGRATIONS)))


def bring_up_to_date(engine: Engine) -> None:
    """Applies what is pending, once, however many processes start together. Raises `StoreUnavailable`.

    Peewee's runner takes no lock, so that two at once would both find a migration pending.
    """
    if _current(engine):
        return
    with engine.migrating():
        runner = Runner(engine.database, directory=str(MIGRATIONS), table_name=HISTORY_TABLE)
        _refuse_newer(runner.applied().keys())
        runner.up()


def _current(engine: Engine) -> bool:
    """Asked before the lock is taken, as the usual start has nothing to do and should wait for nobody."""
    try:
        require_current(engine)
    except StoreUnavailable:
        return False  # a new database has no history yet; what else is wrong will be told under the lock
    return True


def require_current(engine: Engine) -> None:
    """Raises `StoreUnavailable` unless exactly the known migrations have been applied."""
    with engine.reading() as connection:
        applied = {name for (name,) in connection.rows(f"SELECT name FROM {HISTORY_TABLE}")}
    _refuse_newer(applied)
    if pending := KNOWN - applied:
        raise StoreUnavailable(f"the database lacks {', '.join(sorted(pending))}; run 'hullo migrate'")


def _refuse_newer(applied: Collection[str]) -> None:
    if unknown := set(applied) - KNOWN:
        raise StoreUnavailable(
            f"the database was made by a newer hullo: it has {', '.join(sorted(unknown))}; update this one"
        )
