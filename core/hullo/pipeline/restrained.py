"""A call of somebody who may do no more in this minute: decided as ever, and refused if there is anything to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from hullo.errors import RateLimited
from hullo.model.decision import Decision
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.work import Prepared, Work
from hullo.store.protocol import Snapshot

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrained(Generic[A]):
    """Another work, refused with `refusal` where its answer is one that `counts`."""

    work: Work[A]
    counts: Callable[[A], bool]
    refusal: RateLimited

    def prepare(self, apps: AppDirectory) -> Prepared[A]:
        """Raises what the work raises."""
        prepared = self.work.prepare(apps)
        return replace(prepared, decide=partial(self._decide, prepared))

    def _decide(self, prepared: Prepared[A], snapshot: Snapshot) -> Decision[A]:
        """Raises what the work raises, and `RateLimited`."""
        decision = prepared.decide(snapshot)
        if self.counts(decision.answer):
            raise self.refusal
        return decision
