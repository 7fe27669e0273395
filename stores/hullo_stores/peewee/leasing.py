"""Leases: what only one process may do at a time, until its time is over."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo_stores.clock_skew import max_plausible_lease
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Transaction


class LeaseStatements:
    """Compiled once, when the store is made."""

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
        """See `Outbox.take_lease`. Raises `Refused` too where somebody else has it: of those who make one at once the
        key lets one."""
        values = {"name": name, "holder": holder, "now": now, "until": until, "absurd": max_plausible_lease(now, until)}
        if transaction.execute(self._take.text, self._take.bind(**values)):
            return True
        if transaction.rows(self._exists.text, self._exists.bind(**values)):
            return False
        return bool(transaction.execute(self._make.text, self._make.bind(**values)))

    def release(self, transaction: Transaction, name: str, holder: str) -> None:
        """See `Outbox.give_up_lease`."""
        transaction.execute(self._release.text, self._release.bind(name=name, holder=holder))
