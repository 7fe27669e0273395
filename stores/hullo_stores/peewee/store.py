"""The Peewee store, on any engine. Its reads, retention and maintenance are mixins, a file each."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final

from hullo.model.change_set import ChangeSet
from hullo.model.contact import Contact, ContactId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import Applied, StoreConflict
from hullo_stores.peewee.applying import Statements, apply_group
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.faults import WriteRefused
from hullo_stores.peewee.locking import LockedTransaction
from hullo_stores.peewee.maintenance.store import Maintenance
from hullo_stores.peewee.reads.apps import AppQueries
from hullo_stores.peewee.reads.contacts import ContactQueries
from hullo_stores.peewee.reads.history import HistoryQueries
from hullo_stores.peewee.reads.outbox import OutboxQueries
from hullo_stores.peewee.retention import RetentionStore
from hullo_stores.peewee.schema import migrate, require_current
from hullo_stores.peewee.search.finding import ContactFinder
from hullo_stores.peewee.search.upkeep import built_index

PROBE_INTERVAL: Final = 2.0
"""Seconds for which a database that took writes counts as writable, however often readiness is asked for."""


class PeeweeStore(AppQueries, ContactQueries, HistoryQueries, OutboxQueries, RetentionStore, Maintenance):
    """Implement `Store` over an engine. Every method may be called from any thread."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._statements = Statements(self._compiler)
        self._open_lock = threading.Lock()
        self._is_open = False
        self._thread_state = threading.local()
        self._write_failed = False
        self._next_probe = 0.0

    shared_between_processes = True

    @property
    def max_concurrent_batches(self) -> int:
        """Return the number of lanes of the engine."""
        return self._engine.lanes

    @property
    def max_concurrent_reads(self) -> int:
        """Return the number of connections that the engine keeps for reads."""
        return self._engine.readers

    def open(self) -> None:
        """Connect and bring the schema up to date. Opening an open store does nothing."""
        with self._open_lock:
            if self._is_open:
                return
            self._engine.open()
            try:
                migrate(self._engine)
                index = built_index(self._engine)
            except BaseException:
                self._engine.close()
                raise
            self._statements = Statements(self._compiler, keeps_grams=index is None)
            self._finder = ContactFinder(self._engine.dialect, index)
            self._is_open = True

    def close(self) -> None:
        """Disconnect once calls that are under way have ended."""
        with self._open_lock:
            self._is_open = False
            self._engine.close()

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the database answers, its schema is current, and it takes writes."""
        require_current(self._engine)
        # No lock: two probes at once do no harm. A failure is not remembered, so that it ends when the fault does.
        if monotonic() >= self._next_probe:
            self._engine.require_writable(by_writing=self._write_failed)
            self._write_failed, self._next_probe = False, monotonic() + PROBE_INTERVAL

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """Load one snapshot a query; inside `locking` on that transaction. See `Store.load`."""
        if (turn := self._locked_transaction()) is not None:
            return turn.load(queries)
        with self._engine.load_connection() as connection:
            return self._engine.loader.load(connection, queries).snapshots(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """Apply change sets; inside `locking` in that transaction. See `Store.apply`."""
        try:
            if (turn := self._locked_transaction()) is not None:
                return turn.apply(changes)
            with self._engine.write_transaction() as transaction:
                return apply_group(transaction, self._statements, changes)
        except WriteRefused:
            # Readiness must show it at once.
            self._write_failed, self._next_probe = True, 0.0
            raise

    @contextmanager
    def locking(self) -> Generator[None]:
        """Bind one write transaction to this thread. See `SupportsLocking`."""
        with self._engine.write_transaction() as transaction:
            self._thread_state.turn = LockedTransaction(transaction, self._engine.loader, self._statements)
            try:
                yield
            finally:
                del self._thread_state.turn

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """Return the contact. None if there is none, or if it belongs to another workspace."""
        query = SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=(contact_id,))
        return self.load([query])[0].contacts.get(contact_id)

    def _locked_transaction(self) -> LockedTransaction | None:
        """Return this thread's transaction while it is inside `locking`."""
        return getattr(self._thread_state, "turn", None)
