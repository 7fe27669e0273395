"""Who wrote a message, who takes care of a conversation, and which visitors are blocked. Frozen, as the first is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import Final

from peewee import CharField, Database, Field, Model, TextField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, add_index, drop_column, drop_index
from hullo_stores.peewee.writes import name_of


class Sessions(Model):
    block_id = CharField(max_length=64, null=True)

    class Meta:
        table_name = "session"
        primary_key = False


class Conversations(Model):
    id = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    status = CharField(max_length=16)
    assignee = CharField(max_length=255, null=True)

    class Meta:
        table_name = "conversation"


INDEXES: Final[tuple[tuple[str, type[Model], tuple[Field, ...]], ...]] = (
    ("session_block", Sessions, (Sessions.block_id,)),
    ("conversation_status", Conversations, (Conversations.workspace_id, Conversations.status, Conversations.id)),
    ("conversation_assignee", Conversations, (Conversations.workspace_id, Conversations.assignee, Conversations.id)),
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Makes columns that are NULL in every row: no agent is known to have written, and no contact is blocked."""
    add_column(migrator, "session", "block_id", CharField(max_length=64, null=True))
    add_column(migrator, "session", "block", TextField(null=True))
    add_column(migrator, "conversation", "assignee", CharField(max_length=255, null=True))
    for name in ("by", "agent_name", "agent_email"):
        add_column(migrator, "message", name, TextField(null=True))
    for name, indexed, columns in INDEXES:
        add_index(db, indexed, *columns, name=name)


def down(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Drops those of them that exist."""
    for name, indexed, _ in INDEXES:
        drop_index(migrator, name_of(indexed), name)
    for table, columns in (
        ("message", ("agent_email", "agent_name", "by")),
        ("conversation", ("assignee",)),
        ("session", ("block", "block_id")),
    ):
        for name in columns:
            drop_column(migrator, table, name)
