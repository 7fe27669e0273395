"""Loads and applies in one transaction that locks what it loads."""

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
    """Implement what `SupportsLocking` promises inside `locking`."""

    def __init__(self, transaction: Transaction, loader: Loader, statements: Statements) -> None:
        self._transaction = transaction
        self._loader = loader
        self._statements = statements

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """Load twice: once to find what to lock, and again under the locks, as rows may have changed in between."""
        try:
            if self._statements.locks.contacts is not None:
                self._lock_loaded(self._load(queries))
            return self._load(queries)
        except TransactionAborted:
            # A deadlock, or another node of a cluster wrote first. Loading without locks is enough: `apply` compares
            # versions in any case.
            self._transaction.rollback()
            return self._load(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """Apply without giving up the locks. See `Store.apply`."""
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
            # In the order of the keys, as every writer locks: two of them cannot deadlock.
            for text, values in lock.bind(sorted(set(keys))):
                self._transaction.rows(text, values)
