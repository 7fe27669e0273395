"""The tables, as Peewee models: what statements are built from. No row ever becomes an instance of one.

The schema itself is made by `migrations/`, whose frozen copies a test compares with these. Times are integer
microseconds, JSON is our own text, digests are text: what engines agree about. Constraints and indexes are
named by hand, as on PostgreSQL a clash of generated names silently drops one. A foreign key stands wherever
an erasure may meet a write that still points at what it erases.
"""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Final

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    CharField,
    IntegerField,
    Model,
    SmallIntegerField,
    TextField,
)

ID: Final = 64
"""Room for `prefix_` and 26 characters, and for a SHA-256 in hexadecimal."""


class Workspaces(Model):
    id = CharField(max_length=ID, primary_key=True)
    name = TextField()
    created_at = BigIntegerField()
    version = IntegerField()

    class Meta:
        table_name = "workspace"


class Apps(Model):
    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    name = TextField()
    created_at = BigIntegerField()
    origins = TextField()
    verification = CharField(max_length=16)
    region = CharField(max_length=8, null=True)
    version = IntegerField()

    class Meta:
        table_name = "app"


class IdentityKeys(Model):
    id = CharField(max_length=ID, primary_key=True)
    app_id = CharField(max_length=ID)
    secret = TextField()
    created_at = BigIntegerField()
    last_used_at = BigIntegerField(null=True)
    retires_at = BigIntegerField(null=True)
    public_key = TextField(null=True)

    class Meta:
        table_name = "identity_key"


IdentityKeys.add_index(IdentityKeys.app_id, name="identity_key_app")


class ApiKeys(Model):
    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    digest = CharField(max_length=ID)
    created_at = BigIntegerField()
    app_id = CharField(max_length=ID, null=True)
    scopes = TextField()
    revoked_at = BigIntegerField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "api_key"


ApiKeys.add_index(ApiKeys.digest, unique=True, name="api_key_digest")


class Contacts(Model):
    """`search` is the case-folded text of identifiers and profile, for `ContactFilter.query`."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    last_seen_at = BigIntegerField()
    created_by = TextField()
    identifiers = TextField()
    profile = TextField()
    search = TextField()
    merged_into = CharField(max_length=ID, null=True)
    version = IntegerField()

    class Meta:
        table_name = "contact"


Contacts.add_index(Contacts.workspace_id, Contacts.id, name="contact_workspace")
Contacts.add_index(Contacts.merged_into, name="contact_merged_into")


class Identifiers(Model):
    """Who has which identifier. The digest, which covers workspace and kind, stands first in the key, as
    look-ups are by digest alone."""

    digest = CharField(max_length=ID)
    workspace_id = CharField(max_length=ID)
    kind = CharField(max_length=ID)
    contact_id = CharField(max_length=ID)

    class Meta:
        table_name = "identifier"
        primary_key = False
        constraints = (
            SQL("CONSTRAINT identifier_taken PRIMARY KEY (digest, workspace_id, kind)"),
            SQL("CONSTRAINT identifier_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),
        )


Identifiers.add_index(Identifiers.contact_id, name="identifier_contact_id")


class CustomData(Model):
    """One block for each contact and app."""

    contact_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID)
    block = TextField()

    class Meta:
        table_name = "custom_data"
        primary_key = False
        constraints = (
            SQL("CONSTRAINT custom_data_block PRIMARY KEY (contact_id, app_id)"),
            SQL("CONSTRAINT custom_data_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),
        )


class Visitors(Model):
    id = CharField(max_length=ID, primary_key=True)
    app_id = CharField(max_length=ID)
    created_at = BigIntegerField()

    class Meta:
        table_name = "visitor"


class Sessions(Model):
    digest = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID)
    visitor_id = CharField(max_length=ID)
    created_at = BigIntegerField()
    seen_at = BigIntegerField()
    expires_at = BigIntegerField()
    contact_id = CharField(max_length=ID, null=True)
    standing = SmallIntegerField(null=True)
    claimed = TextField()
    proved = TextField()
    revoked_at = BigIntegerField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "session"
        constraints = (SQL("CONSTRAINT session_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Sessions.add_index(Sessions.contact_id, name="session_contact_id")


class Conversations(Model):
    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    app_id = CharField(max_length=ID)
    visitor_id = CharField(max_length=ID)
    created_at = BigIntegerField()
    last_message_at = BigIntegerField()
    status = CharField(max_length=16)
    contact_id = CharField(max_length=ID, null=True)
    link_standing = SmallIntegerField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "conversation"
        constraints = (SQL("CONSTRAINT conversation_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Conversations.add_index(Conversations.workspace_id, Conversations.id, name="conversation_workspace")
Conversations.add_index(Conversations.visitor_id, Conversations.id, name="conversation_visitor")
Conversations.add_index(Conversations.contact_id, Conversations.id, name="conversation_contact_id")


class Messages(Model):
    id = CharField(max_length=ID, primary_key=True)
    conversation_id = CharField(max_length=ID)
    author = CharField(max_length=16)
    text = TextField()
    created_at = BigIntegerField()
    client_id = TextField(null=True)
    repeat_key = CharField(max_length=ID, null=True)

    class Meta:
        table_name = "message"
        constraints = (
            SQL("CONSTRAINT message_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id)"),
        )


Messages.add_index(Messages.conversation_id, Messages.id, name="message_conversation_id")
Messages.add_index(Messages.repeat_key, unique=True, name="message_repeat_key")


class Conflicts(Model):
    """`open_pair` is the pair while the conflict is open, then NULL: unique, it allows a pair one open
    conflict and any number of resolved ones."""

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


class Answers(Model):
    digest = CharField(max_length=ID, primary_key=True)
    request = TextField()
    seed = BlobField()
    at = BigIntegerField()
    body = BlobField()
    expires_at = BigIntegerField()

    class Meta:
        table_name = "answer"


Answers.add_index(Answers.expires_at, name="answer_expires_at")


class SpentTokens(Model):
    digest = CharField(max_length=ID, primary_key=True)
    expires_at = BigIntegerField()

    class Meta:
        table_name = "spent_token"


SpentTokens.add_index(SpentTokens.expires_at, name="spent_token_expires_at")


class CallCounts(Model):
    app_id = CharField(max_length=ID)
    day = BigIntegerField()
    signed = BigIntegerField()
    unsigned = BigIntegerField()
    wrong = BigIntegerField()

    class Meta:
        table_name = "call_count"
        primary_key = False
        constraints = (SQL("CONSTRAINT call_count_day PRIMARY KEY (app_id, day)"),)


TABLES: Final[tuple[type[Model], ...]] = (
    Workspaces,
    Apps,
    IdentityKeys,
    ApiKeys,
    Contacts,
    Identifiers,
    CustomData,
    Visitors,
    Sessions,
    Conversations,
    Messages,
    Conflicts,
    Decisions,
    Answers,
    SpentTokens,
    CallCounts,
)
"""In an order in which whatever is pointed at comes first."""
