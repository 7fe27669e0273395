"""The reference store: what a store must do, in its plainest form."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from hullo.errors import SettingsError, StoreUnavailable
from hullo.model.change_set import ChangeSet
from hullo.model.instant import Instant
from hullo.model.retention import Sweep, SweepResult
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.store.protocol import APPLIED, Applied, StoreConflict
from hullo_stores.memory.changes import ChangeWriter
from hullo_stores.memory.reads.apps import MemoryAppQueries
from hullo_stores.memory.reads.contacts import MemoryContactQueries
from hullo_stores.memory.reads.history import MemoryHistoryQueries
from hullo_stores.memory.reads.outbox import MemoryOutboxQueries
from hullo_stores.memory.retention import forget_deliveries, sweep_tables
from hullo_stores.memory.snapshots import take_snapshot
from hullo_stores.memory.tables import Journal, Tables
from hullo_stores.write_conflict import WriteConflict


def open_memory(url: str) -> MemoryStore:
    """Return a new, empty store for `memory:`, not opened yet. Every call makes another one."""
    if url.rstrip("/") != "memory:":
        raise SettingsError("the memory store takes no path and no parameters: write its URL as 'memory:'")
    return MemoryStore()


class MemoryStore(MemoryAppQueries, MemoryContactQueries, MemoryHistoryQueries, MemoryOutboxQueries):
    """Keep everything in dicts under one lock. Not durable, not shared between processes; closing keeps the data."""

    max_concurrent_batches = 1
    shared_between_processes = False

    def __init__(self) -> None:
        self._tables = Tables()
        self._lock = threading.RLock()
        self._is_open = False

    def open(self) -> None:
        """Make the store usable."""
        self._is_open = True

    def close(self) -> None:
        """Make the store unusable until it is opened again. Its data stays."""
        self._is_open = False

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the store is open."""
        with self._locked():
            pass

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """See `Store.load`."""
        with self._locked() as tables:
            return tuple(take_snapshot(tables, query) for query in queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`."""
        with self._locked() as tables:
            return tuple(_apply_one(tables, change_set) for change_set in changes)

    @contextmanager
    def locking(self) -> Generator[None]:
        """Hold the store's lock for this thread. See `SupportsLocking`."""
        with self._locked():
            yield

    def sweep(self, sweep: Sweep, *, dry_run: bool = False) -> SweepResult:
        """Delete what is too old (P3). See `RetentionCleanup.sweep`."""
        with self._locked() as tables:
            return sweep_tables(tables, sweep, dry_run=dry_run)

    def delete_deliveries(self, before: Instant, limit: int) -> int:
        """Delete deliveries that ended before then; return how many. See `RetentionCleanup`."""
        with self._locked() as tables:
            return forget_deliveries(tables, before, limit)

    @contextmanager
    def _locked(self) -> Generator[Tables]:
        with self._lock:
            if not self._is_open:
                raise StoreUnavailable("the store is not open")
            yield self._tables


def _apply_one(tables: Tables, change_set: ChangeSet) -> Applied | StoreConflict:
    journal = Journal()
    try:
        ChangeWriter(tables, journal).write(change_set)
    except WriteConflict as refused:
        journal.rollback()
        return refused.conflict
    except BaseException:
        journal.rollback()
        raise
    return APPLIED
