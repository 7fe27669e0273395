"""Verify, load, decide, apply, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from hullo.bus.protocol import Bus
from hullo.engine.app_cache import AppCache
from hullo.engine.notices import notices_for
from hullo.engine.retry import Job, RetryBudget
from hullo.errors import HulloError, TooContended, Unstorable
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.operation import NeedsFullContacts, Operation, PreparedOperation
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot
from hullo.secrets.vault import Vault
from hullo.store.protocol import Store, StoreConflict, SupportsLocking

T = TypeVar("T")


class Executor:
    """Serves units of work, a group at a time: one load and one commit for all of them.

    Synchronous, and safe to call from several threads; what a unit does to its neighbours in a group is to make
    them wait, never to make them fail.
    """

    def __init__(
        self, hooks: PluginManager, store: Store, vault: Vault, bus: Bus, *, wake_outbox: Callable[[], None]
    ) -> None:
        self.hooks = hooks
        self.store = store
        self.vault = vault
        self._wake_outbox = wake_outbox
        self.bus = bus
        self.apps = AppCache(store, vault)

    def run(self, operation: Operation[Any]) -> Decision[Any]:
        """Serves one piece of work alone, and tells observers. Raises what refused it."""
        unit = Job(operation)
        self.run_batch([unit])
        if isinstance(unit.result, Exception):
            raise unit.result
        assert unit.result is not None
        self.notify_committed(unit.result)
        return unit.result

    def dry_run(self, operation: Operation[Any]) -> Decision[Any]:
        """What would be decided now. Nothing is written and nobody is told. Raises what would refuse it."""
        apps = AppCache(self.store, self.vault)  # which remembers nothing, and so nothing outdated
        return self.dry_run_prepared(operation.prepare(apps))

    def dry_run_prepared(self, prepared: PreparedOperation[T]) -> Decision[T]:
        """The same for work that is prepared already."""
        try:
            return prepared.decide(self.store.load([prepared.query])[0])
        except NeedsFullContacts:
            return self.dry_run_prepared(prepared.with_all_custom_data())

    def run_batch(self, jobs: Sequence[Job]) -> None:
        """Gives every unit its result: a decision whose changes are committed, or the error that refused it."""
        waiting, patience = list(jobs), RetryBudget()
        while waiting:
            ready = [unit for unit in patience.next_batch(waiting) if self._prepare(unit)]
            if ready:
                self._apply_batch(ready, patience)
            waiting = [unit for unit in waiting if unit.result is None]

    def notify_committed(self, decision: Decision[Any]) -> None:
        """Tells observers of an outcome that is committed, and has the courier tell of the events, if there are any;
        whoever has sockets open hears that there is something to look at."""
        if isinstance(decision.result, Outcome):
            self.hooks.identified(decision.result)
        if decision.change_set.events:
            self._wake_outbox()
        notices = notices_for(decision.change_set)
        if notices:
            self.bus.publish(notices)

    def notify_rejected(self, error: HulloError, app: App | None, request_id: str) -> None:
        """Tells observers that an identify failed."""
        self.hooks.identify_refused(error, app, request_id)

    def _prepare(self, job: Job) -> bool:
        if job.prepared is None:
            try:
                job.prepared = job.operation.prepare(self.apps)
            except Exception as refused:
                job.result = refused
        return job.result is None

    def _apply_batch(self, jobs: Sequence[Job], budget: RetryBudget) -> None:
        """Loads, decides and applies. Those that are to look again keep waiting."""
        concerned = jobs
        try:
            with self._lock_after_conflict(budget):
                snapshots = self.store.load([unit.prepared.query for unit in jobs if unit.prepared is not None])
                decided = self._decide_batch(jobs, snapshots, budget)
                concerned = [unit for unit, _ in decided]
                verdicts = self.store.apply([each.change_set for _, each in decided]) if decided else ()
        except Unstorable as unstorable:
            self._apply_individually(concerned, unstorable, budget)
            return
        except HulloError as unavailable:
            for unit in concerned:
                unit.result = unavailable
            return
        for (unit, decision), verdict in zip(decided, verdicts, strict=True):
            if not isinstance(verdict, StoreConflict):
                unit.result = decision
                for use in decision.change_set.key_uses:
                    self.apps.record_key_use(use)
            elif not budget.record_conflict(unit):
                unit.result = TooContended()

    def _apply_individually(self, jobs: Sequence[Job], error: Unstorable, budget: RetryBudget) -> None:
        """Nobody fails for what another wants written: each goes alone."""
        if len(jobs) == 1:
            jobs[0].result = error
            return
        for unit in jobs:
            self._apply_batch([unit], budget)

    def _lock_after_conflict(self, budget: RetryBudget) -> AbstractContextManager[object]:
        """Nothing is locked where nobody has met a conflict, which is cheaper, and nearly always enough."""
        store = self.store
        return store.locking() if budget.had_conflict and isinstance(store, SupportsLocking) else nullcontext()

    def _decide_batch(
        self, jobs: Sequence[Job], snapshots: Sequence[Snapshot], budget: RetryBudget
    ) -> list[tuple[Job, Decision[Any]]]:
        decided: list[tuple[Job, Decision[Any]]] = []
        touched: set[str] = set()
        for unit, snapshot in zip(jobs, snapshots, strict=True):
            assert unit.prepared is not None
            app = unit.prepared.app
            if app is not None and snapshot.app_version != app.version:
                self.apps.evict(app.id)
                unit.prepared = None
                if not budget.record_conflict(unit):
                    unit.result = TooContended()
                continue
            keys = {*unit.prepared.resource_keys, *snapshot.contacts, *snapshot.conversations}
            if not keys.isdisjoint(touched):
                continue  # somebody in this group changes the same person: look again after them
            try:
                decision = unit.prepared.decide(snapshot)
            except NeedsFullContacts:
                unit.prepared = unit.prepared.with_all_custom_data()
                continue
            except Exception as refused:
                unit.result = refused
                continue
            if decision.change_set.is_empty:
                unit.result = decision
            else:
                touched |= keys
                decided.append((unit, decision))
        return decided
