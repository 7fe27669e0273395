"""See `Outbox` and `WebhookReads`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from hullo.model.event import Event
from hullo.model.instant import Instant
from hullo.model.webhook import Delivery, DeliveryId, Webhook, WebhookId
from hullo.store.protocol import Page, PageRequest
from hullo_stores.clock_skew import max_plausible_lease
from hullo_stores.peewee.compiler import Compiler, NamedStatement, parameter, select_all
from hullo_stores.peewee.connection import Engine, Transaction
from hullo_stores.peewee.reads.queries import Queries
from hullo_stores.peewee.rows.outbox import delivery_of, event_of, webhook_of
from hullo_stores.peewee.tables import Deliveries, Outbox, Webhooks
from hullo_stores.peewee.writes import columns_of
from hullo_stores.write_conflict import WriteConflict

_FIRST_PENDING: Final = (
    "waiting.state = 'pending' AND NOT EXISTS "
    '(SELECT 1 FROM "delivery" AS earlier WHERE earlier.turn = waiting.turn AND earlier.id < waiting.id)'
)


class LeaseStatements:
    """Statements of leases: what only one process may do at a time, until the lease ends."""

    def __init__(self, compiler: Compiler) -> None:
        self._take = compiler.named_statement(
            'UPDATE "lease" SET holder = :holder, "until" = :until '
            'WHERE name = :name AND (holder = :holder OR "until" <= :now OR "until" > :absurd)'
        )
        self._exists = compiler.named_statement('SELECT 1 FROM "lease" WHERE name = :name')
        self._make = compiler.named_statement(
            'INSERT INTO "lease" (name, holder, "until") VALUES (:name, :holder, :until)'
        )
        self._release = compiler.named_statement('DELETE FROM "lease" WHERE name = :name AND holder = :holder')

    def take(self, transaction: Transaction, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """Take or renew the lease. See `Outbox.acquire_lease`.

        Raises `WriteConflict` if another holder has just inserted it: the primary key lets one of several succeed.
        """
        values = {"name": name, "holder": holder, "now": now, "until": until, "absurd": max_plausible_lease(now, until)}
        if transaction.execute(self._take.text, self._take.bind(**values)):
            return True
        if transaction.rows(self._exists.text, self._exists.bind(**values)):
            return False
        return bool(transaction.execute(self._make.text, self._make.bind(**values)))

    def release(self, transaction: Transaction, name: str, holder: str) -> None:
        """See `Outbox.release_lease`."""
        transaction.execute(self._release.text, self._release.bind(name=name, holder=holder))


class OutboxStatements:
    """Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.outbox = compiler.compile(
            Outbox.select(Outbox.event).order_by(Outbox.id).limit(parameter("limit")), "limit"
        )
        living = select_all(Webhooks).where(Webhooks.deleted_at.is_null()).order_by(Webhooks.id.desc())
        self.all_webhooks = compiler.compile(living)
        self.webhooks = compiler.compile(living.where(Webhooks.workspace_id == parameter("workspace")), "workspace")
        self.webhook = compiler.compile(select_all(Webhooks).where(Webhooks.id == parameter("id")), "id")
        self.delivery = compiler.compile(select_all(Deliveries).where(Deliveries.id == parameter("id")), "id")
        self.deliveries = compiler.page_by(Deliveries.id, Deliveries.webhook_id)
        self._compiler = compiler
        self._due: dict[int, NamedStatement] = {}
        self.next_due = compiler.named_statement(
            f'SELECT waiting.next_at FROM "delivery" AS waiting WHERE {_FIRST_PENDING} ORDER BY waiting.next_at LIMIT 1'
        )
        self.leases = LeaseStatements(compiler)

    def due(self, without: tuple[WebhookId, ...]) -> tuple[NamedStatement, dict[str, object]]:
        """Return the statement and what it binds of `without`, padded so that a handful of texts serves every
        length."""
        arity = 1 << (len(without) - 1).bit_length() if without else 0
        slots = [f"without_{number}" for number in range(arity)]
        padded = (*without, *without[-1:] * (arity - len(without)))
        if arity not in self._due:
            columns = ", ".join(f'waiting."{column.name}"' for column in columns_of(Deliveries))
            busy = f"AND waiting.webhook_id NOT IN ({', '.join(f':{slot}' for slot in slots)}) " if slots else ""
            self._due[arity] = self._compiler.named_statement(
                f'SELECT {columns} FROM "delivery" AS waiting WHERE {_FIRST_PENDING} AND waiting.next_at <= :now {busy}'
                "ORDER BY waiting.next_at, waiting.id LIMIT :limit"
            )
        return self._due[arity], dict(zip(slots, padded, strict=True))


class OutboxQueries(Queries):
    """Reads of the outbox, leases, webhooks and deliveries."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._outbox_statements = self._compiler.cached(OutboxStatements)

    def list_outbox(self, limit: int) -> Sequence[Event]:
        """Return events that wait for dispatch, oldest first."""
        return tuple(map(event_of, self._rows(self._outbox_statements.outbox, limit)))

    def acquire_lease(self, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """Take or renew a lease; return whether `holder` has it. See `Outbox.acquire_lease`."""
        with self._engine.write_transaction() as transaction:
            try:
                taken = self._outbox_statements.leases.take(transaction, name, holder, now, until)
                transaction.commit()
            except WriteConflict:
                transaction.rollback()
                return False
            return taken

    def release_lease(self, name: str, holder: str) -> None:
        """Release the lease if `holder` has it. A lease of another holder stays."""
        with self._engine.write_transaction() as transaction:
            self._outbox_statements.leases.release(transaction, name, holder)

    def list_webhooks(self, workspace_id: str | None) -> Sequence[Webhook]:
        """Return the webhooks of a workspace, or of all for None; newest first, without deleted ones."""
        statements = self._outbox_statements
        if workspace_id is None:
            return tuple(map(webhook_of, self._rows(statements.all_webhooks)))
        return tuple(map(webhook_of, self._rows(statements.webhooks, workspace_id)))

    def find_webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return the webhook, a deleted one too. None if there is none."""
        rows = self._rows(self._outbox_statements.webhook, webhook_id)
        return webhook_of(rows[0]) if rows else None

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]:
        """Return a page of the webhook's deliveries, newest first."""
        return self._page("deliveries", page, delivery_of, self._outbox_statements.deliveries, webhook_id)

    def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return the delivery. None if there is none."""
        rows = self._rows(self._outbox_statements.delivery, delivery_id)
        return delivery_of(rows[0]) if rows else None

    def list_due_deliveries(self, now: Instant, limit: int, without: Collection[WebhookId] = ()) -> Sequence[Delivery]:
        """Return pending deliveries that are due, the longest due first. See `WebhookReads`."""
        due, busy = self._outbox_statements.due(tuple(without))
        return tuple(map(delivery_of, self._rows(due.text, *due.bind(now=now, limit=limit, **busy))))

    def next_delivery_at(self) -> Instant | None:
        """Return when the next delivery is due that waits for no earlier one. None if none is pending."""
        rows = self._rows(self._outbox_statements.next_due.text)
        return rows[0][0] if rows else None
