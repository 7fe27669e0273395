"""Which sessions hops have connected. Frozen, as the first is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from peewee import CharField, Database, Model
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, add_index, drop_column, drop_index


class Sessions(Model):
    hop_group = CharField(max_length=64, null=True)

    class Meta:
        table_name = "session"


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Makes a column and its index. NULL: sessions from before end apart, as they did."""
    add_column(migrator, "session", "hop_group", CharField(max_length=64, null=True))
    add_index(db, Sessions, Sessions.hop_group, name="session_hop_group")


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001
    """Drops them where they are there."""
    drop_index(migrator, "session", "session_hop_group")
    drop_column(migrator, "session", "hop_group")
