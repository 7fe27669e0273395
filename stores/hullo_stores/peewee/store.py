"""The store on whatever engine it is given. Engines, faults, rows, reads and statements have files of their own."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from hullo.model.change_set import ChangeSet
from hullo.model.contact import Contact, ContactId
from hullo.store.protocol import Applied, Snapshot, SnapshotQuery, StoreConflict
from hullo_stores.peewee.applying import apply_group
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.locking import LockingTurn
from hullo_stores.peewee.reads.apps import AskedApps
from hullo_stores.peewee.reads.histories import AskedHistories
from hullo_stores.peewee.reads.people import AskedPeople
from hullo_stores.peewee.reads.telling import AskedTelling
from hullo_stores.peewee.schema import bring_up_to_date, require_current
from hullo_stores.peewee.statements import Statements
from hullo_stores.peewee.sweeping import Sweeping
from hullo_stores.peewee.upkeep.store import KeptUp


class PeeweeStore(AskedApps, AskedPeople, AskedHistories, AskedTelling, Sweeping, KeptUp):
    """See `Store`. Safe to call from any thread."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._statements = self._compiler.once(Statements)
        self._opening = threading.Lock()
        self._opened = False
        self._locked = threading.local()

    shared_between_processes = True

    @property
    def lanes(self) -> int:
        """As the engine says."""
        return self._engine.lanes

    def open(self) -> None:
        """Connects, and brings the schema up to date."""
        with self._opening:
            if self._opened:
                return
            self._engine.open()
            try:
                bring_up_to_date(self._engine)
            except BaseException:
                self._engine.close()
                raise
            self._opened = True

    def close(self) -> None:
        """Disconnects, once the calls that are under way are done."""
        with self._opening:
            self._opened = False
            self._engine.close()

    def check(self) -> None:
        """Raises `StoreUnavailable` unless the database answers and its schema is current."""
        require_current(self._engine)

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        """See `Store.load`."""
        if (turn := self._turn()) is not None:
            return turn.load(queries)
        with self._engine.loading() as connection:
            return self._engine.loader.load(connection, queries).snapshots(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        """See `Store.apply`."""
        if (turn := self._turn()) is not None:
            return turn.apply(changes)
        with self._engine.writing() as transaction:
            return apply_group(transaction, self._statements, changes)

    @contextmanager
    def locking(self) -> Generator[None]:
        """See `Locking`."""
        with self._engine.writing() as transaction:
            self._locked.turn = LockingTurn(transaction, self._engine.loader, self._statements)
            try:
                yield
            finally:
                del self._locked.turn

    def find_contact(self, workspace_id: str, contact_id: ContactId) -> Contact | None:
        """None when it is another workspace's."""
        query = SnapshotQuery(workspace_id=workspace_id, app_id=None, contacts=(contact_id,))
        return self.load([query])[0].contacts.get(contact_id)

    def _turn(self) -> LockingTurn | None:
        """Of this thread, while it is inside `locking`."""
        return getattr(self._locked, "turn", None)
