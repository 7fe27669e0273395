"""Records that are joined on a claim. Frozen, as the first is."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from peewee import CharField, Database, SmallIntegerField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, drop_column


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Makes two columns. NULL says that all merges up to now are ordinary ones."""
    add_column(migrator, "merge", "joined_by", CharField(max_length=64, null=True))
    add_column(migrator, "moved", "standing", SmallIntegerField(null=True))


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001
    """Drops them where they are there."""
    drop_column(migrator, "moved", "standing")
    drop_column(migrator, "merge", "joined_by")
