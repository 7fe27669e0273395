"""What verification keeps: public keys, tokens that were spent, how many calls proved what. Frozen, as the first is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, Database, Model, TextField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, create_table, drop_column, drop_table


class SpentTokens(Model):
    digest = CharField(max_length=64, primary_key=True)
    expires_at = BigIntegerField()

    class Meta:
        table_name = "spent_token"


SpentTokens.add_index(SpentTokens.expires_at, name="spent_token_expires_at")


class CallCounts(Model):
    app_id = CharField(max_length=64)
    day = BigIntegerField()
    signed = BigIntegerField()
    unsigned = BigIntegerField()
    wrong = BigIntegerField()

    class Meta:
        table_name = "call_count"
        primary_key = False
        constraints = (SQL("CONSTRAINT call_count_day PRIMARY KEY (app_id, day)"),)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Makes two tables and a column."""
    create_table(db, SpentTokens)
    create_table(db, CallCounts)
    add_column(migrator, "identity_key", "public_key", TextField(null=True))


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drops whatever of them is there."""
    drop_column(migrator, "identity_key", "public_key")
    drop_table(db, CallCounts)
    drop_table(db, SpentTokens)
