"""Tables of how contacts came to be what they are, and of what is kept about erased ones. See the package."""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, IntegerField, Model, SmallIntegerField, TextField

from hullo_stores.peewee.tables.ids import ID


class Conflicts(Model):
    """`open_pair` is the pair while the conflict settles, then NULL: unique, it allows a pair one conflict that is open
    or kept, and any number of others."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID, null=True)
    contact_id = CharField(max_length=ID)
    other_id = CharField(max_length=ID)
    field = TextField()
    rule = TextField()
    created_at = BigIntegerField()
    status = CharField(max_length=16)
    open_pair = CharField(max_length=2 * ID + 1, null=True)
    version = IntegerField()
    digest = CharField(max_length=ID, null=True)
    resolution = CharField(max_length=16, null=True)
    resolved_at = BigIntegerField(null=True)
    resolved_by = TextField(null=True)

    class Meta:
        table_name = "conflict"
        constraints = (
            SQL("CONSTRAINT conflict_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),
            SQL("CONSTRAINT conflict_other FOREIGN KEY (other_id) REFERENCES contact (id)"),
        )


Conflicts.add_index(Conflicts.workspace_id, Conflicts.status, Conflicts.id, name="conflict_workspace")
Conflicts.add_index(Conflicts.contact_id, name="conflict_contact_id")
Conflicts.add_index(Conflicts.other_id, name="conflict_other_id")
Conflicts.add_index(Conflicts.open_pair, unique=True, name="conflict_open_pair")


class Decisions(Model):
    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID, null=True)
    contact_id = CharField(max_length=ID)
    request_id = TextField()
    at = BigIntegerField()
    by = TextField()
    matched_by = TextField()
    standing = TextField()
    trace = TextField()

    class Meta:
        table_name = "decision"
        constraints = (SQL("CONSTRAINT decision_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Decisions.add_index(Decisions.contact_id, Decisions.id, name="decision_contact_id")
Decisions.add_index(Decisions.app_id, Decisions.at, name="decision_old")


class Merges(Model):
    """The images are contacts with all that they held, as JSON."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    survivor_id = CharField(max_length=ID)
    absorbed_id = CharField(max_length=ID)
    at = BigIntegerField()
    by = TextField()
    rule = TextField()
    survivor_before = TextField()
    absorbed_before = TextField()
    undone_at = BigIntegerField(null=True)
    undone_by = TextField(null=True)
    version = IntegerField()
    joined_by = CharField(max_length=ID, null=True)

    class Meta:
        table_name = "merge"
        constraints = (
            SQL("CONSTRAINT merge_survivor FOREIGN KEY (survivor_id) REFERENCES contact (id)"),
            SQL("CONSTRAINT merge_absorbed FOREIGN KEY (absorbed_id) REFERENCES contact (id)"),
        )


Merges.add_index(Merges.survivor_id, Merges.id, name="merge_survivor_id")
Merges.add_index(Merges.absorbed_id, Merges.id, name="merge_absorbed_id")


class Moved(Model):
    """What a merge took along: `kind` is `session`, by digest, or `conversation`. `standing` is the standing that a
    join on a claim took from it, NULL where it took none."""

    merge_id = CharField(max_length=ID)
    kind = CharField(max_length=16)
    id = CharField(max_length=ID)
    standing = SmallIntegerField(null=True)

    class Meta:
        table_name = "moved"
        primary_key = False
        constraints = (SQL("CONSTRAINT moved_once PRIMARY KEY (merge_id, kind, id)"),)


Moved.add_index(Moved.id, name="moved_id")


class Timeline(Model):
    """`changes` are the values before and after, NULL where there are none."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    contact_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID, null=True)
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
    """`subject_id` is a contact's or a conversation's, so that no foreign key can stand on it."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    subject_id = CharField(max_length=ID)
    text = TextField()
    at = BigIntegerField()
    by = TextField()

    class Meta:
        table_name = "note"


Notes.add_index(Notes.subject_id, Notes.id, name="note_subject")


class Tombstones(Model):
    digest = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    at = BigIntegerField()

    class Meta:
        table_name = "tombstone"


class Audits(Model):
    workspace_id = CharField(max_length=ID)
    number = BigIntegerField()
    at = BigIntegerField()
    by = TextField()
    action = TextField()
    subject = TextField()
    previous = CharField(max_length=ID)
    digest = CharField(max_length=ID)
    data = TextField()

    class Meta:
        table_name = "audit"
        primary_key = False
        constraints = (SQL("CONSTRAINT audit_number PRIMARY KEY (workspace_id, number)"),)
