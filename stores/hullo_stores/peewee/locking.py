"""Loads and applies in one transaction that locks what it loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hullo.model.change_set import ChangeSet
from hullo.model.contact import ContactId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import Applied, StoreConflict
from hullo_stores.peewee.applying import Statements, apply_group
from hullo_stores.peewee.compiler import ListStatement
from hullo_stores.peewee.connection import Loader, Transaction
from hullo_stores.peewee.merging import with_absorbed
from hullo_stores.write_conflict import TransactionAborted

MAX_LOCK_ATTEMPTS: Final = 3
"""Attempts to lock all that a load finds. Without the locks, `apply` still compares versions."""


class LockedTransaction:
    """Implement what `SupportsLocking` promises inside `locking`."""

    def __init__(self, transaction: Transaction, loader: Loader, statements: Statements) -> None:
        self._transaction = transaction
        self._loader = loader
        self._statements = statements

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """Load once to find what to lock, and again under the locks, as rows may have changed in between."""
        try:
            seen = self._load(queries)
            if self._statements.locks.contacts is None:
                return seen
            for _ in range(MAX_LOCK_ATTEMPTS):
                locked = self._lock_loaded(seen)
                seen = self._load(queries)
                # Race: a contact has come in, or was absorbed. Locked behind the others it would be out of order.
                if locked.issuperset(self._contacts_of(seen)):
                    return seen
                self._transaction.rollback()
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

    def _lock_loaded(self, seen: Sequence[Snapshot]) -> set[ContactId]:
        """Lock what was loaded. Returns the contacts."""
        locks, contacts = self._statements.locks, self._contacts_of(seen)
        self._lock_keys(locks.contacts, contacts)
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
        return contacts

    def _contacts_of(self, seen: Sequence[Snapshot]) -> set[ContactId]:
        """Return the contacts that were loaded, and those that they have absorbed: an erasure takes them along."""
        loaded = sorted({contact_id for snapshot in seen for contact_id in snapshot.contacts})
        return set(with_absorbed(self._transaction, self._statements.erasures.absorbed_by, loaded))

    def _lock_keys(self, lock: ListStatement | None, keys: Iterable[str]) -> None:
        if lock is not None:
            # In the order of the keys, as every writer locks: two of them cannot deadlock.
            for text, values in lock.bind(sorted(set(keys))):
                self._transaction.rows(text, values)
