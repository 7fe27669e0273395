"""Tables of the outbox, leases, webhooks and deliveries. See the package."""

# Peewee's stubs leave what `add_index` takes untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import BigIntegerField, CharField, IntegerField, Model, TextField

from hullo_stores.peewee.tables.ids import ID


class Outbox(Model):
    """Events without their values, as JSON, until they are dispatched."""

    id = CharField(max_length=ID, primary_key=True)
    event = TextField()

    class Meta:
        table_name = "outbox"


class Leases(Model):
    """Leases on work that one process at a time may do."""

    name = CharField(max_length=ID, primary_key=True)
    holder = TextField()
    until = BigIntegerField()

    class Meta:
        table_name = "lease"


class Webhooks(Model):
    id = CharField(max_length=ID, primary_key=True)
    workspace_id = CharField(max_length=ID)
    url = TextField()
    created_at = BigIntegerField()
    app_id = CharField(max_length=ID, null=True)
    events = TextField()
    secrets = TextField()
    deleted_at = BigIntegerField(null=True)
    version = IntegerField()

    class Meta:
        table_name = "webhook"


class Deliveries(Model):
    """`over_at` is when the delivery succeeded or was given up, NULL while it is pending.

    `turn` is webhook and contact, which deliveries that go one after the other share; NULL once it is over, and for
    deliveries without a contact. It has an index of its own, so that a planner finds earlier deliveries by it.
    """

    id = CharField(max_length=ID, primary_key=True)
    webhook_id = CharField(max_length=ID)
    workspace_id = CharField(max_length=ID)
    event_id = CharField(max_length=ID)
    event_name = TextField()
    contact_id = CharField(max_length=ID, null=True)
    body = TextField()
    created_at = BigIntegerField()
    state = CharField(max_length=16)
    tries = IntegerField()
    next_at = BigIntegerField()
    last_status = IntegerField(null=True)
    last_error = TextField(null=True)
    last_at = BigIntegerField(null=True)
    over_at = BigIntegerField(null=True)
    turn = CharField(max_length=2 * ID + 1, null=True)
    version = IntegerField()

    class Meta:
        table_name = "delivery"


Deliveries.add_index(Deliveries.state, Deliveries.next_at, Deliveries.id, name="delivery_due")
Deliveries.add_index(Deliveries.turn, Deliveries.id, name="delivery_turn")
Deliveries.add_index(Deliveries.webhook_id, Deliveries.id, name="delivery_webhook")
Deliveries.add_index(Deliveries.over_at, name="delivery_over")
