"""Tables of workspaces, apps, keys, stored responses, spent tokens and call counts. See the package."""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import SQL, BigIntegerField, BlobField, CharField, IntegerField, Model, TextField

from hullo_stores.peewee.tables.ids import ID


class Workspaces(Model):
    id = CharField(max_length=ID, primary_key=True)
    name = TextField()
    created_at = BigIntegerField()
    version = IntegerField()
    salt = TextField(null=True)

    class Meta:
        table_name = "workspace"


class Apps(Model):
    """`policy` holds settings that few apps change, NULL for the defaults."""

    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    name = TextField()
    created_at = BigIntegerField()
    origins = TextField()
    verification = CharField(max_length=16)
    region = CharField(max_length=8, null=True)
    version = IntegerField()
    policy = TextField(null=True)

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


class RefusedOrigins(Model):
    digest = CharField(max_length=ID, primary_key=True)
    app_id = CharField(max_length=ID)
    hour = BigIntegerField()
    origin = TextField()
    calls = BigIntegerField()
    expires_at = BigIntegerField()

    class Meta:
        table_name = "refused_origin"


RefusedOrigins.add_index(RefusedOrigins.expires_at, name="refused_origin_expires_at")


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
