"""Loads and applies in one transaction, in which others wait for what was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hullo.model.change_set import ChangeSet
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import Applied, StoreConflict
from hullo_stores.peewee.applying import Statements, apply_group
from hullo_stores.peewee.compiler import ListStatement
from hullo_stores.peewee.connection import Loader, Transaction
from hullo_stores.write_conflict import TransactionAborted


class LockedTransaction:
    """See `Locking`."""

    def __init__(self, transaction: Transaction, loader: Loader, statements: Statements) -> None:
        self._transaction = transaction
        self._loader = loader
        self._statements = statements

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """Looks twice: to find what there is to hold, and when it is held, since it may have changed until then."""
        try:
            if self._statements.locks.contacts is not None:
                self._lock_loaded(self._load(queries))
            return self._load(queries)
        except TransactionAborted:
            # Two waited for each other, or another node of a cluster wrote first. To look without holding is enough:
            # what is applied is compared with what is there in any case.
            self._transaction.rollback()
            return self._load(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`."""
        return apply_group(self._transaction, self._statements, changes, holds_locks=True)

    def _load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        return self._loader.load(self._transaction, queries).snapshots(queries)

    def _lock_loaded(self, seen: Sequence[Snapshot]) -> None:
        locks = self._statements.locks
        self._lock_keys(locks.contacts, (contact_id for snapshot in seen for contact_id in snapshot.contacts))
        self._lock_keys(
            locks.sessions,
            (
                held.digest
                for snapshot in seen
                for held in (snapshot.session, snapshot.source_session)
                if held is not None
            ),
        )
        self._lock_keys(
            locks.conversations, (conversation_id for snapshot in seen for conversation_id in snapshot.conversations)
        )

    def _lock_keys(self, lock: ListStatement | None, keys: Iterable[str]) -> None:
        if lock is not None:
            for text, values in lock.bind(sorted(set(keys))):
                self._transaction.rows(text, values)
