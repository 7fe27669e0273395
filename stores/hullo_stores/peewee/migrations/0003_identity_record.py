"""What is kept of an identity: merges, timelines, notes, what is to be told of, and what was done. Frozen, as the first
is."""

# Peewee's stubs leave what `add_index` takes untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, Database, Field, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.ddl import add_column, add_index, create_table, drop_column, drop_index, drop_table
from hullo_stores.peewee.writes import name_of


class Tags(Model):
    contact_id = CharField(max_length=64)
    name = CharField(max_length=255)
    workspace_id = CharField(max_length=64)

    class Meta:
        table_name = "tag"
        primary_key = False
        constraints = (
            SQL("CONSTRAINT tag_of_contact PRIMARY KEY (contact_id, name)"),
            SQL("CONSTRAINT tag_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),
        )


Tags.add_index(Tags.workspace_id, Tags.name, Tags.contact_id, name="tag_workspace")


class Merges(Model):
    id = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    survivor_id = CharField(max_length=64)
    absorbed_id = CharField(max_length=64)
    at = BigIntegerField()
    by = TextField()
    rule = TextField()
    survivor_before = TextField()
    absorbed_before = TextField()
    undone_at = BigIntegerField(null=True)
    undone_by = TextField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "merge"
        constraints = (
            SQL("CONSTRAINT merge_survivor FOREIGN KEY (survivor_id) REFERENCES contact (id)"),
            SQL("CONSTRAINT merge_absorbed FOREIGN KEY (absorbed_id) REFERENCES contact (id)"),
        )


Merges.add_index(Merges.survivor_id, Merges.id, name="merge_survivor_id")
Merges.add_index(Merges.absorbed_id, Merges.id, name="merge_absorbed_id")


class Moved(Model):
    merge_id = CharField(max_length=64)
    kind = CharField(max_length=16)
    id = CharField(max_length=64)

    class Meta:
        table_name = "moved"
        primary_key = False
        constraints = (SQL("CONSTRAINT moved_once PRIMARY KEY (merge_id, kind, id)"),)


Moved.add_index(Moved.id, name="moved_id")


class Timeline(Model):
    id = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    contact_id = CharField(max_length=64)
    app_id = CharField(max_length=64, null=True)
    at = BigIntegerField()
    name = TextField()
    by = TextField(null=True)
    data = TextField()
    changes = TextField(null=True)

    class Meta:
        table_name = "timeline"
        constraints = (SQL("CONSTRAINT timeline_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Timeline.add_index(Timeline.contact_id, Timeline.id, name="timeline_contact_id")
Timeline.add_index(Timeline.app_id, Timeline.at, name="timeline_old")


class Notes(Model):
    id = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    subject_id = CharField(max_length=64)
    text = TextField()
    at = BigIntegerField()
    by = TextField()

    class Meta:
        table_name = "note"


Notes.add_index(Notes.subject_id, Notes.id, name="note_subject")


class Outbox(Model):
    id = CharField(max_length=64, primary_key=True)
    event = TextField()

    class Meta:
        table_name = "outbox"


class Leases(Model):
    name = CharField(max_length=64, primary_key=True)
    holder = TextField()
    until = BigIntegerField()

    class Meta:
        table_name = "lease"


class Webhooks(Model):
    id = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    url = TextField()
    created_at = BigIntegerField()
    app_id = CharField(max_length=64, null=True)
    events = TextField()
    secrets = TextField()
    deleted_at = BigIntegerField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "webhook"


class Deliveries(Model):
    id = CharField(max_length=64, primary_key=True)
    webhook_id = CharField(max_length=64)
    workspace_id = CharField(max_length=64)
    event_id = CharField(max_length=64)
    event_name = TextField()
    contact_id = CharField(max_length=64, null=True)
    body = TextField()
    created_at = BigIntegerField()
    state = CharField(max_length=16)
    tries = IntegerField()
    next_at = BigIntegerField()
    last_status = IntegerField(null=True)
    last_error = TextField(null=True)
    last_at = BigIntegerField(null=True)
    over_at = BigIntegerField(null=True)
    turn = CharField(max_length=129, null=True)
    version = IntegerField()

    class Meta:
        table_name = "delivery"


Deliveries.add_index(Deliveries.state, Deliveries.next_at, Deliveries.id, name="delivery_due")
Deliveries.add_index(Deliveries.turn, Deliveries.id, name="delivery_turn")
Deliveries.add_index(Deliveries.webhook_id, Deliveries.id, name="delivery_webhook")
Deliveries.add_index(Deliveries.over_at, name="delivery_over")


class Tombstones(Model):
    digest = CharField(max_length=64, primary_key=True)
    workspace_id = CharField(max_length=64)
    at = BigIntegerField()

    class Meta:
        table_name = "tombstone"


class Audits(Model):
    workspace_id = CharField(max_length=64)
    number = BigIntegerField()
    at = BigIntegerField()
    by = TextField()
    action = TextField()
    subject = TextField()
    previous = CharField(max_length=64)
    digest = CharField(max_length=64)
    data = TextField()

    class Meta:
        table_name = "audit"
        primary_key = False
        constraints = (SQL("CONSTRAINT audit_number PRIMARY KEY (workspace_id, number)"),)


# Of tables that are there, what new indexes are on.


class Sessions(Model):
    app_id = CharField(max_length=64)
    visitor_id = CharField(max_length=64)
    seen_at = BigIntegerField()
    expires_at = BigIntegerField()
    contact_id = CharField(max_length=64, null=True)
    revoked_at = BigIntegerField(null=True)

    class Meta:
        table_name = "session"
        primary_key = False


class Conversations(Model):
    app_id = CharField(max_length=64)
    last_message_at = BigIntegerField()

    class Meta:
        table_name = "conversation"
        primary_key = False


class Decisions(Model):
    app_id = CharField(max_length=64, null=True)
    at = BigIntegerField()

    class Meta:
        table_name = "decision"
        primary_key = False


TABLES = (Tags, Merges, Moved, Timeline, Notes, Outbox, Leases, Webhooks, Deliveries, Tombstones, Audits)
INDEXES: tuple[tuple[str, type[Model], tuple[Field, ...]], ...] = (
    ("session_visitor", Sessions, (Sessions.visitor_id,)),
    ("session_over", Sessions, (Sessions.app_id, Sessions.revoked_at, Sessions.expires_at)),
    ("session_anonymous", Sessions, (Sessions.app_id, Sessions.contact_id, Sessions.seen_at)),
    ("conversation_old", Conversations, (Conversations.app_id, Conversations.last_message_at)),
    ("decision_old", Decisions, (Decisions.app_id, Decisions.at)),
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Makes tables, columns and indexes."""
    for table in TABLES:
        create_table(db, table)
    for where, name, column in _columns():
        add_column(migrator, where, name, column)
    for name, indexed, columns in INDEXES:
        add_index(db, indexed, *columns, name=name)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Drops whatever of them is there."""
    for name, indexed, _ in reversed(INDEXES):
        drop_index(migrator, name_of(indexed), name)
    for where, name, _ in reversed(_columns()):
        drop_column(migrator, where, name)
    for table in reversed(TABLES):
        drop_table(db, table)


def _columns() -> tuple[tuple[str, str, Field], ...]:
    """Made anew each time, as a field keeps what it was added to."""
    return (
        ("workspace", "salt", TextField(null=True)),
        ("app", "policy", TextField(null=True)),
        ("contact", "more", TextField(null=True)),
        ("conversation", "tags", TextField(null=True)),
        ("conflict", "digest", CharField(max_length=64, null=True)),
        ("conflict", "resolution", CharField(max_length=16, null=True)),
        ("conflict", "resolved_at", BigIntegerField(null=True)),
        ("conflict", "resolved_by", TextField(null=True)),
    )
