"""How long the pipeline keeps trying when others change the same records."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

from hullo.model.operation import Job

MAX_ATTEMPTS: Final = 20
INITIAL_BACKOFF: Final = 0.001
MAX_BACKOFF: Final = 0.05
"""Seconds."""


def attempts() -> Iterator[int]:
    """For a change that goes alone: numbers its tries, with longer and longer pauses between them."""
    for number in range(MAX_ATTEMPTS):
        if number > 1:
            _back_off(number)
        yield number


def _back_off(conflicts: int) -> None:
    time.sleep(random.uniform(0, min(INITIAL_BACKOFF * 2**conflicts, MAX_BACKOFF)))


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
            _back_off(self._max_conflict_count)
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
