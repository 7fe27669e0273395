"""How often pages of which origin were refused. Frozen, as the first is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from peewee import BigIntegerField, CharField, Database, Model, TextField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import create_table, drop_table


class RefusedOrigins(Model):
    digest = CharField(max_length=64, primary_key=True)
    app_id = CharField(max_length=64)
    hour = BigIntegerField()
    origin = TextField()
    calls = BigIntegerField()
    expires_at = BigIntegerField()

    class Meta:
        table_name = "refused_origin"


RefusedOrigins.add_index(RefusedOrigins.expires_at, name="refused_origin_expires_at")


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Makes a table."""
    create_table(db, RefusedOrigins)


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001
    """Drops it where it is there."""
    drop_table(db, RefusedOrigins)
