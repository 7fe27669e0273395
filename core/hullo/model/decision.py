"""The result of a pure `decide`: the answer, the writes, and the trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from hullo.errors import HulloError
from hullo.model.change_set import NO_CHANGES, ChangeSet
from hullo.model.decision_record import Trace
from hullo.value import Value

A_co = TypeVar("A_co", covariant=True)


class Decision(Value, Generic[A_co]):
    """Outcome of deciding on one snapshot. `result` holds if and only if `change_set` was applied."""

    result: A_co
    change_set: ChangeSet = NO_CHANGES
    refusal: HulloError | None = None
    """Raised to the caller once `change_set` is applied, where even a refused call leaves a mark. `result` is not used
    then."""
    build_trace: Callable[[], Trace] = Trace
    """Makes the trace on demand: most calls change nothing, and their trace is never read."""

    @property
    def trace(self) -> Trace:
        """Build the trace: each plugin's answer, and the verdict on each field with its reason."""
        return self.build_trace()
