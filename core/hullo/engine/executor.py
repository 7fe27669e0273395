"""The executor: one load and one commit for a batch of operations, then notices to observers."""

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
    """Runs operations in batches: load once, decide each, apply once, decide again what met a conflict.

    Synchronous, and safe to call from several threads. A job may make the others of its batch wait; it never makes
    them fail.
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
        """Run one operation alone and notify observers. Raises the error that refused it."""
        job = Job(operation)
        self.run_batch([job])
        if isinstance(job.result, Exception):
            raise job.result
        assert job.result is not None
        self.notify_committed(job.result)
        # After the notices: the mark that the refusal leaves is committed, and others must hear of it.
        if job.result.refusal is not None:
            raise job.result.refusal
        return job.result

    def dry_run(self, operation: Operation[Any]) -> Decision[Any]:
        """Return what would be decided now. Writes nothing, notifies no observer. Raises what would refuse it."""
        # A cache of its own is empty: nothing checks a dry run's app against its snapshot, so it must not be outdated.
        apps = AppCache(self.store, self.vault)
        return self.dry_run_prepared(operation.prepare(apps))

    def dry_run_prepared(self, prepared: PreparedOperation[T]) -> Decision[T]:
        """Return what would be decided now for an operation that is prepared already. Promises what `dry_run` does."""
        try:
            decision = prepared.decide(self.store.load([prepared.query])[0])
        except NeedsFullContacts as needs:
            return self.dry_run_prepared(prepared.with_full_contacts(needs))
        if decision.refusal is not None:
            raise decision.refusal
        return decision

    def run_batch(self, jobs: Sequence[Job]) -> None:
        """Give every job its result: a decision whose changes are committed, or the error that refused it."""
        pending, budget = list(jobs), RetryBudget()
        while pending:
            ready = [job for job in budget.next_batch(pending) if self._prepare(job)]
            if ready:
                self._apply_batch(ready, budget)
            pending = [job for job in pending if job.result is None]

    def read_ahead(self, jobs: Sequence[Job]) -> None:
        """Give a result to those jobs that change nothing, or are refused. Writes nothing, and waits for no writer.

        The others keep none: they are decided again in a batch, on what is stored then.
        """
        try:
            ready = [job for job in jobs if self._prepare(job)]
            snapshots = self.store.load([job.prepared.query for job in ready if job.prepared is not None])
        except HulloError:
            return  # no fault of a job: its batch meets the error again, or goes well
        for job, snapshot in zip(ready, snapshots, strict=True):
            # Each alone, as nothing is applied: a job must not wait for the change of an earlier one. With a budget of
            # its own, as a conflict here is no attempt that failed.
            self._decide_batch([job], [snapshot], RetryBudget())

    def notify_committed(self, decision: Decision[Any]) -> None:
        """Send word of a committed decision: to observers, to the outbox worker for its events, and to open sockets."""
        if isinstance(decision.result, Outcome):
            self.hooks.identified(decision.result)
        # An identify that changes nothing has no other news.
        if decision.change_set.is_empty:
            return
        # Events were committed with the change. If this process dies here, another one delivers them.
        if decision.change_set.events:
            self._wake_outbox()
        # Sockets of every process read the store again on a notice, so it must not go out before the commit.
        notices = notices_for(decision.change_set)
        if notices:
            self.bus.publish(notices)

    def notify_rejected(self, error: HulloError, app: App | None, request_id: str) -> None:
        """Call the observers of failed identify calls."""
        self.hooks.identify_refused(error, app, request_id)

    def _prepare(self, job: Job) -> bool:
        """Return whether the job can go on. The error of a refusal is its result then."""
        if job.prepared is None:
            try:
                job.prepared = job.operation.prepare(self.apps)
            except Exception as error:
                # Of any kind, a plugin's too: it belongs to this job and must not end the batch.
                job.result = error
        return job.result is None

    def _apply_batch(self, jobs: Sequence[Job], budget: RetryBudget) -> None:
        """Load, decide and apply one batch. Jobs that must be decided again keep no result."""
        concerned = jobs
        try:
            with self._lock_after_conflict(budget):
                snapshots = self.store.load([job.prepared.query for job in jobs if job.prepared is not None])
                decided = self._decide_batch(jobs, snapshots, budget)
                # From here on an error is that of these jobs only: the others are done, or will be decided again.
                concerned = [job for job, _ in decided]
                verdicts = self.store.apply([decision.change_set for _, decision in decided]) if decided else ()
        except Unstorable as error:
            self._apply_individually(concerned, error, budget)
            return
        except HulloError as error:
            for job in concerned:
                job.result = error
            return
        for (job, decision), verdict in zip(decided, verdicts, strict=True):
            if not isinstance(verdict, StoreConflict):
                job.result = decision
                for use in decision.change_set.key_uses:
                    self.apps.record_key_use(use)
            elif not budget.record_conflict(job):
                job.result = TooContended()

    def _apply_individually(self, jobs: Sequence[Job], error: Unstorable, budget: RetryBudget) -> None:
        """Run each job alone. The error does not say whose value it was, and no job fails for another's value."""
        if len(jobs) == 1:
            jobs[0].result = error
            return
        for job in jobs:
            self._apply_batch([job], budget)

    def _lock_after_conflict(self, budget: RetryBudget) -> AbstractContextManager[object]:
        """Lock what is loaded, once a job of the batch has met a conflict."""
        # No lock on the first attempt: that is cheaper, and nearly always enough. Under contention it is not: without a
        # lock, a job that lost may lose again and again.
        store = self.store
        return store.locking() if budget.had_conflict and isinstance(store, SupportsLocking) else nullcontext()

    def _decide_batch(
        self, jobs: Sequence[Job], snapshots: Sequence[Snapshot], budget: RetryBudget
    ) -> list[tuple[Job, Decision[Any]]]:
        """Return the jobs that have changes to apply, with their decisions. A job that changes nothing is done here."""
        decided: list[tuple[Job, Decision[Any]]] = []
        touched: set[str] = set()
        for job, snapshot in zip(jobs, snapshots, strict=True):
            assert job.prepared is not None
            app = job.prepared.app
            if app is not None and snapshot.app_version != app.version:
                # Race: the app was changed after it was cached. A retired key must not verify anything (V4).
                self.apps.evict(app.id)
                job.prepared = None
                if not budget.record_conflict(job):
                    job.result = TooContended()
                continue
            keys = {*job.prepared.resource_keys, *snapshot.contacts, *snapshot.conversations}
            if not keys.isdisjoint(touched):
                # Race inside the batch: an earlier job changes the same records, and this snapshot lacks that change.
                # The job keeps no result, and is decided again after that one.
                continue
            try:
                decision = job.prepared.decide(snapshot)
            except NeedsFullContacts as needs:
                # A merge, which is rare, needs the custom data of every app, and a first proof the visitor's own
                # conversations. Loading them always would slow all calls.
                loaded = job.prepared.query
                job.prepared = job.prepared.with_full_contacts(needs)
                # A decision that asks again for what it was given would go round for ever.
                if job.prepared.query == loaded:
                    job.result = needs
                continue
            except Exception as error:
                job.result = error
                continue
            if decision.change_set.is_empty:
                job.result = decision
            else:
                touched |= keys
                decided.append((job, decision))
        return decided
