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
from hullo_stores.peewee.compiler import Compiler, Spelled, all_of, given
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.leasing import LeaseStatements
from hullo_stores.peewee.reads.asking import Asking
from hullo_stores.peewee.rows import delivery_of, event_of, webhook_of
from hullo_stores.peewee.tables import Deliveries, Outbox, Webhooks
from hullo_stores.peewee.writes import columns_of
from hullo_stores.refusal import Refused

_IN_TURN: Final = (
    "waiting.state = 'pending' AND NOT EXISTS "
    '(SELECT 1 FROM "delivery" AS earlier WHERE earlier.turn = waiting.turn AND earlier.id < waiting.id)'
)


class TellingStatements:
    """Of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.outbox = compiler.text(Outbox.select(Outbox.event).order_by(Outbox.id).limit(given("limit")), "limit")
        living = all_of(Webhooks).where(Webhooks.deleted_at.is_null()).order_by(Webhooks.id.desc())
        self.all_webhooks = compiler.text(living)
        self.webhooks = compiler.text(living.where(Webhooks.workspace_id == given("workspace")), "workspace")
        self.webhook = compiler.text(all_of(Webhooks).where(Webhooks.id == given("id")), "id")
        self.delivery = compiler.text(all_of(Deliveries).where(Deliveries.id == given("id")), "id")
        self.deliveries = compiler.paged(Deliveries.id, ("webhook",), Deliveries.webhook_id == given("webhook"))
        self._compiler = compiler
        self._due: dict[int, Spelled] = {}
        self.next_due = compiler.spelled(
            f'SELECT waiting.next_at FROM "delivery" AS waiting WHERE {_IN_TURN} ORDER BY waiting.next_at LIMIT 1'
        )
        self.leases = LeaseStatements(compiler)

    def due(self, without: tuple[WebhookId, ...]) -> tuple[Spelled, dict[str, object]]:
        """The statement, and what it binds of `without`: padded, so that a handful of texts serves every length."""
        arity = 1 << (len(without) - 1).bit_length() if without else 0
        slots = [f"without_{number}" for number in range(arity)]
        padded = (*without, *without[-1:] * (arity - len(without)))
        if arity not in self._due:
            columns = ", ".join(f'waiting."{column.name}"' for column in columns_of(Deliveries))
            busy = f"AND waiting.webhook_id NOT IN ({', '.join(f':{slot}' for slot in slots)}) " if slots else ""
            self._due[arity] = self._compiler.spelled(
                f'SELECT {columns} FROM "delivery" AS waiting WHERE {_IN_TURN} AND waiting.next_at <= :now {busy}'
                "ORDER BY waiting.next_at, waiting.id LIMIT :limit"
            )
        return self._due[arity], dict(zip(slots, padded, strict=True))


class AskedTelling(Asking):
    """What is to be told, and to whom."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._of_telling = self._compiler.once(TellingStatements)

    def list_outbox(self, limit: int) -> Sequence[Event]:
        """The oldest first."""
        return tuple(map(event_of, self._rows(self._of_telling.outbox, limit)))

    def take_lease(self, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """See `Outbox.take_lease`."""
        with self._engine.writing() as transaction:
            try:
                taken = self._of_telling.leases.take(transaction, name, holder, now, until)
                transaction.commit()
            except Refused:
                transaction.rollback()
                return False
            return taken

    def give_up_lease(self, name: str, holder: str) -> None:
        """Somebody else's stays theirs."""
        with self._engine.writing() as transaction:
            self._of_telling.leases.give_up(transaction, name, holder)

    def list_webhooks(self, workspace_id: str | None) -> Sequence[Webhook]:
        """The newest first, without deleted ones."""
        statements = self._of_telling
        if workspace_id is None:
            return tuple(map(webhook_of, self._rows(statements.all_webhooks)))
        return tuple(map(webhook_of, self._rows(statements.webhooks, workspace_id)))

    def find_webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Deleted ones too."""
        rows = self._rows(self._of_telling.webhook, webhook_id)
        return webhook_of(rows[0]) if rows else None

    def list_deliveries(self, webhook_id: WebhookId, page: PageRequest) -> Page[Delivery]:
        """Of one webhook."""
        return self._page("deliveries", page, delivery_of, self._of_telling.deliveries, webhook_id)

    def find_delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """None when there is none of this id."""
        rows = self._rows(self._of_telling.delivery, delivery_id)
        return delivery_of(rows[0]) if rows else None

    def list_due_deliveries(self, now: Instant, limit: int, without: Collection[WebhookId] = ()) -> Sequence[Delivery]:
        """See `WebhookReads.list_due_deliveries`."""
        due, busy = self._of_telling.due(tuple(without))
        return tuple(map(delivery_of, self._rows(due.text, *due.bound(now=now, limit=limit, **busy))))

    def next_due(self) -> Instant | None:
        """Of those that wait for no earlier one."""
        rows = self._rows(self._of_telling.next_due.text)
        return rows[0][0] if rows else None
