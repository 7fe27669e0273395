"""Leases: what only one process may do at a time, until its time is over."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Transaction
from hullo_stores.skew import beyond_belief


class LeaseStatements:
    """Compiled once, when the store is made."""

    def __init__(self, compiler: Compiler) -> None:
        self._take = compiler.spelled(
            'UPDATE "lease" SET holder = :holder, "until" = :until '
            'WHERE name = :name AND (holder = :holder OR "until" <= :now OR "until" > :absurd)'
        )
        self._held = compiler.spelled('SELECT 1 FROM "lease" WHERE name = :name')
        self._make = compiler.spelled('INSERT INTO "lease" (name, holder, "until") VALUES (:name, :holder, :until)')
        self._give_up = compiler.spelled('DELETE FROM "lease" WHERE name = :name AND holder = :holder')

    def take(self, transaction: Transaction, name: str, holder: str, now: Instant, until: Instant) -> bool:
        """See `Outbox.take_lease`. Raises `Refused` too where somebody else has it: of those who make one at once the
        key lets one."""
        values = {"name": name, "holder": holder, "now": now, "until": until, "absurd": beyond_belief(now, until)}
        if transaction.run(self._take.text, self._take.bound(**values)):
            return True
        if transaction.rows(self._held.text, self._held.bound(**values)):
            return False
        return bool(transaction.run(self._make.text, self._make.bound(**values)))

    def give_up(self, transaction: Transaction, name: str, holder: str) -> None:
        """See `Outbox.give_up_lease`."""
        transaction.run(self._give_up.text, self._give_up.bound(name=name, holder=holder))
