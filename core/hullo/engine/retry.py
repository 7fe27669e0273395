"""A job on its way through the executor, and the budget of attempts that a batch of jobs shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hullo.model.decision import Decision
from hullo.model.operation import Operation, PreparedOperation
from hullo.store.backoff import MAX_ATTEMPTS, pause_after


@dataclass(slots=True)
class Job:
    """One operation in a batch. It is pending until it has a result."""

    operation: Operation[Any]
    prepared: PreparedOperation[Any] | None = None
    """None before the first attempt, and after its app turned out to be outdated."""
    conflict_count: int = 0
    result: Decision[Any] | Exception | None = None

    @property
    def is_done(self) -> bool:
        """Return whether the job has its result, which is final."""
        return self.result is not None


class RetryBudget:
    """Counts the conflicts of one batch, and spaces its attempts."""

    def __init__(self) -> None:
        self._batch_count = 0
        self._max_conflict_count = 0

    @property
    def had_conflict(self) -> bool:
        """Return whether any job of the batch has met a conflict."""
        return self._max_conflict_count > 0

    def next_batch(self, pending: Sequence[Job]) -> list[Job]:
        """Choose the jobs of the next attempt. Sleeps first, once a job has met two conflicts."""
        self._batch_count += 1
        # After one conflict decide again at once: the other writer is nearly always done. After two, a pause of random
        # length lets writers drift apart that would else meet again and again.
        if self._max_conflict_count > 1:
            pause_after(self._max_conflict_count)
        # First all of them: most calls change nothing, and can share one load.
        if self._batch_count == 1:
            return list(pending)
        # Then one job for each resource: of those that share one, a single one can win. The rest would only be decided
        # for nothing.
        chosen: list[Job] = []
        taken: set[str] = set()
        for job in pending:
            keys = job.prepared.resource_keys if job.prepared else set[str]()
            if keys.isdisjoint(taken):
                taken |= keys
                chosen.append(job)
        return chosen

    def record_conflict(self, job: Job) -> bool:
        """Count a conflict. Returns False when the job has used up its attempts."""
        job.conflict_count += 1
        self._max_conflict_count = max(self._max_conflict_count, job.conflict_count)
        return job.conflict_count < MAX_ATTEMPTS
