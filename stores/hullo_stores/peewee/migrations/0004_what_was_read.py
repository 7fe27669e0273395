"""Up to when a visitor has read a conversation. Frozen, as the first is."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from peewee import BigIntegerField, Database
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, drop_column


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Makes a column. NULL says that all there is was read: no row is written, however many there are."""
    add_column(migrator, "conversation", "read_at", BigIntegerField(null=True))


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001
    """Drops it where it is there."""
    drop_column(migrator, "conversation", "read_at")
