"""Tables of contacts, visitors, sessions, conversations and messages. See the package."""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import SQL, BigIntegerField, CharField, IntegerField, Model, SmallIntegerField, TextField

from hullo_stores.peewee.tables.ids import ID


class Contacts(Model):
    """`more` holds fields that few contacts have, else NULL."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    created_at = BigIntegerField()
    updated_at = BigIntegerField()
    last_seen_at = BigIntegerField()
    created_by = TextField()
    identifiers = TextField()
    profile = TextField()
    merged_into = CharField(max_length=ID, null=True)
    version = IntegerField()
    more = TextField(null=True)

    class Meta:
        table_name = "contact"


Contacts.add_index(Contacts.workspace_id, Contacts.id, name="contact_workspace")
Contacts.add_index(Contacts.merged_into, name="contact_merged_into")


class Identifiers(Model):
    """Which contact has which identifier. The digest covers workspace and kind, and stands first in the key, as lookups
    use it alone."""

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


class Tags(Model):
    """Which contact has which tag, for `ContactFilter.tag`. The contact's row holds the tag's fact."""

    contact_id = CharField(max_length=ID)
    name = CharField(max_length=255)
    workspace_id = CharField(max_length=ID)

    class Meta:
        table_name = "tag"
        primary_key = False
        constraints = (
            SQL("CONSTRAINT tag_of_contact PRIMARY KEY (contact_id, name)"),
            SQL("CONSTRAINT tag_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),
        )


Tags.add_index(Tags.workspace_id, Tags.name, Tags.contact_id, name="tag_workspace")


class Visitors(Model):
    id = CharField(max_length=ID, primary_key=True)
    app_id = CharField(max_length=ID)
    created_at = BigIntegerField()

    class Meta:
        table_name = "visitor"


class Sessions(Model):
    """`block` is JSON, NULL while the visitor is not blocked. `block_id` finds the sessions that one block has reached,
    and means nothing where `block` is NULL."""

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
    lead = SmallIntegerField(null=True)
    hop_group = CharField(max_length=ID, null=True)
    block_id = CharField(max_length=ID, null=True)
    block = TextField(null=True)

    class Meta:
        table_name = "session"
        constraints = (SQL("CONSTRAINT session_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Sessions.add_index(Sessions.contact_id, name="session_contact_id")
Sessions.add_index(Sessions.visitor_id, name="session_visitor")
Sessions.add_index(Sessions.hop_group, name="session_hop_group")
Sessions.add_index(Sessions.app_id, Sessions.revoked_at, Sessions.expires_at, name="session_over")
Sessions.add_index(Sessions.app_id, Sessions.contact_id, Sessions.seen_at, name="session_anonymous")
Sessions.add_index(Sessions.block_id, name="session_block")


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
    tags = TextField(null=True)
    read_at = BigIntegerField(null=True)
    assignee = CharField(max_length=255, null=True)

    class Meta:
        table_name = "conversation"
        constraints = (SQL("CONSTRAINT conversation_contact FOREIGN KEY (contact_id) REFERENCES contact (id)"),)


Conversations.add_index(Conversations.workspace_id, Conversations.id, name="conversation_workspace")
Conversations.add_index(Conversations.visitor_id, Conversations.id, name="conversation_visitor")
Conversations.add_index(Conversations.contact_id, Conversations.id, name="conversation_contact_id")
Conversations.add_index(Conversations.app_id, Conversations.last_message_at, name="conversation_old")
Conversations.add_index(Conversations.workspace_id, Conversations.status, Conversations.id, name="conversation_status")
Conversations.add_index(
    Conversations.workspace_id, Conversations.assignee, Conversations.id, name="conversation_assignee"
)


class Messages(Model):
    id = CharField(max_length=ID, primary_key=True)
    conversation_id = CharField(max_length=ID)
    author = CharField(max_length=16)
    text = TextField()
    created_at = BigIntegerField()
    client_id = TextField(null=True)
    repeat_key = CharField(max_length=ID, null=True)
    by = TextField(null=True)
    agent_name = TextField(null=True)
    agent_email = TextField(null=True)

    class Meta:
        table_name = "message"
        constraints = (
            SQL("CONSTRAINT message_conversation FOREIGN KEY (conversation_id) REFERENCES conversation (id)"),
        )


Messages.add_index(Messages.conversation_id, Messages.id, name="message_conversation_id")
Messages.add_index(Messages.repeat_key, unique=True, name="message_repeat_key")
