"""A call of somebody who may do no more in this minute: decided as ever, and refused if there is anything to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from msgspec.structs import replace

from hullo.errors import RateLimited
from hullo.model.decision import Decision
from hullo.model.operation import Apps, Operation, PreparedOperation
from hullo.model.snapshot import Snapshot
from hullo.value import Value

A = TypeVar("A")


class RateLimitedOperation(Value, Generic[A]):
    """Another work, refused with `refusal` where its answer is one that `counts`."""

    operation: Operation[A]
    is_counted: Callable[[A], bool]
    error: RateLimited

    def prepare(self, apps: Apps) -> PreparedOperation[A]:
        """Raises what the work raises."""
        prepared = self.operation.prepare(apps)
        return replace(prepared, decide=partial(self._decide, prepared))

    def _decide(self, prepared: PreparedOperation[A], snapshot: Snapshot) -> Decision[A]:
        """Raises what the work raises, and `RateLimited`."""
        decision = prepared.decide(snapshot)
        if self.is_counted(decision.result):
            raise self.error
        return decision
