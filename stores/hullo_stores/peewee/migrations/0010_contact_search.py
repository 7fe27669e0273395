"""What searches of contacts read: a table of their own instead of a column. Frozen, as the first is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from peewee import SQL, BigAutoField, CharField, Database, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, create_table, drop_table, execute


class ContactSearch(Model):
    number = BigAutoField()
    workspace_id = CharField(max_length=64)
    contact_id = CharField(max_length=64)
    text = TextField()

    class Meta:
        table_name = "contact_search"


ContactSearch.add_index(
    ContactSearch.workspace_id, ContactSearch.contact_id, unique=True, name="contact_search_contact"
)


class ContactGrams(Model):
    gram = IntegerField()
    contact_id = CharField(max_length=64)

    class Meta:
        table_name = "contact_gram"
        primary_key = False
        constraints = (SQL("CONSTRAINT contact_gram_key PRIMARY KEY (gram, contact_id)"),)


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Makes the tables, and marks them as not filled yet: see `search/filling.py`."""
    create_table(db, ContactSearch)
    create_table(db, ContactGrams)
    # Not by the migrator, which asks the database first: `pending_sql` has none to ask.
    execute(db, "ALTER TABLE contact DROP COLUMN search")
    execute(
        db,
        "INSERT INTO hullo_migration (name, applied) VALUES ('unfinished search index', CURRENT_TIMESTAMP) "
        "/* at its next start, hullo fills contact_search from all contacts, a thousand at a time */",
    )


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drops those of them that exist."""
    execute(db, "DELETE FROM hullo_migration WHERE name = 'unfinished search index'")
    if all(column.name != "search" for column in db.get_columns("contact")):
        add_column(migrator, "contact", "search", TextField(null=True))
    drop_table(db, ContactGrams)
    drop_table(db, ContactSearch)
