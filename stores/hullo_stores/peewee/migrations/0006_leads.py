"""Which sessions were identified by the widget's own prompt alone. Frozen, as the first is."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from peewee import Database, SmallIntegerField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, drop_column


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Makes a column. NULL: sessions from before are no leads, and another person's login switches them, as it did."""
    add_column(migrator, "session", "lead", SmallIntegerField(null=True))


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001
    """Drops it where it is there."""
    drop_column(migrator, "session", "lead")
