"""A job on its way through the executor, and how often it is tried when others change the same records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hullo.model.decision import Decision
from hullo.model.operation import Operation, PreparedOperation
from hullo.store.backoff import MAX_ATTEMPTS, pause_after


@dataclass(slots=True)
class Job:
    """One piece of work on its way through, with its result once there is one."""

    operation: Operation[Any]
    prepared: PreparedOperation[Any] | None = None
    conflict_count: int = 0
    result: Decision[Any] | Exception | None = None


class RetryBudget:
    """Counts the conflicts of one group, and spaces its rounds.

    The first conflict is decided again at once: in most cases the other writer is done. From the second on, a
    pause of random length lets writers that keep meeting each other drift apart.
    """

    def __init__(self) -> None:
        self._batch_count = 0
        self._max_conflict_count = 0

    @property
    def had_conflict(self) -> bool:
        """Whether a conflict was met."""
        return self._max_conflict_count > 0

    def next_batch(self, pending: Sequence[Job]) -> list[Job]:
        """Who goes next. At first everybody, since most calls change nothing and can share a look; after that
        one of each person, as only one of those can win."""
        self._batch_count += 1
        if self._max_conflict_count > 1:
            pause_after(self._max_conflict_count)
        if self._batch_count == 1:
            return list(pending)
        first: list[Job] = []
        taken: set[str] = set()
        for unit in pending:
            names = unit.prepared.resource_keys if unit.prepared else set[str]()
            if names.isdisjoint(taken):
                taken |= names
                first.append(unit)
        return first

    def record_conflict(self, job: Job) -> bool:
        """Notes a conflict; False when the unit has had its tries."""
        job.conflict_count += 1
        self._max_conflict_count = max(self._max_conflict_count, job.conflict_count)
        return job.conflict_count < MAX_ATTEMPTS
