"""What a pure function made of one snapshot: what to write, what to answer, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from hullo.model.change_set import NO_CHANGES, ChangeSet
from hullo.model.decision_record import Trace
from hullo.value import Value

A_co = TypeVar("A_co", covariant=True)


class Decision(Value, Generic[A_co]):
    """`answer` holds if and only if `change_set` was applied."""

    result: A_co
    change_set: ChangeSet = NO_CHANGES
    build_trace: Callable[[], Trace] = Trace
    """Makes the trace. Not made unless somebody asks: most calls change nothing, and nobody reads why."""

    @property
    def trace(self) -> Trace:
        """Which plugin answered what, and what became of each field and why."""
        return self.build_trace()
