"""An operation of a caller that is over its limit: it is decided as ever, and refused if its result counts."""

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
    """Wraps an operation: refused with `error` where its result is one that `is_counted`."""

    operation: Operation[A]
    is_counted: Callable[[A], bool]
    error: RateLimited

    def prepare(self, apps: Apps) -> PreparedOperation[A]:
        """Prepare the wrapped operation. Raises what that raises."""
        prepared = self.operation.prepare(apps)
        return replace(prepared, decide=partial(self._decide, prepared))

    def _decide(self, prepared: PreparedOperation[A], snapshot: Snapshot) -> Decision[A]:
        """Decide the wrapped operation. Raises what that raises, and `RateLimited`."""
        decision = prepared.decide(snapshot)
        # Only now is it known whether the call counts. Nothing is applied yet, so refusing it leaves no trace.
        if self.is_counted(decision.result):
            raise self.error
        return decision
