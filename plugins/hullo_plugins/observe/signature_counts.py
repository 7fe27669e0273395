"""Counts of signed identify calls: an owner looks at them before making signatures required (V3)."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Final

from hullo.plugin import (
    DAY,
    App,
    CallCount,
    ChangeSet,
    Host,
    HulloError,
    Instant,
    Outcome,
    ProofRejected,
    ProofRequired,
    Signature,
    hookimpl,
)
from hullo_plugins.observe.buffered_counter import BufferedCounter

CountKey = tuple[str, Instant, Signature]
"""The id of the app, the day, and the kind of signature."""

INTERVAL: Final = 2.0
"""Seconds between two writes."""


class SignatureCounts(BufferedCounter[CountKey]):
    """Add calls to the counts of their app and day, together every `seconds`: an unchanged call writes nothing (W9)."""

    name: ClassVar = "signature-counts"

    def __init__(self, seconds: float = INTERVAL) -> None:
        super().__init__(seconds)

    @hookimpl
    def identified(self, outcome: Outcome) -> None:
        """Count an accepted call."""
        if outcome.signature is not None and outcome.app_id is not None:
            self._count(outcome.app_id, outcome.signature)

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None) -> None:
        """Count a call that was refused for its signature."""
        if app is not None and isinstance(error, ProofRejected | ProofRequired):
            self._count(app.id, Signature.WRONG if isinstance(error, ProofRejected) else Signature.UNSIGNED)

    def _count(self, app_id: str, signature: Signature) -> None:
        if self._host is not None:
            now = self._host.clock()
            self._increment((app_id, now - now % DAY, signature))

    def _write(self, host: Host, counts: Counter[CountKey]) -> None:
        host.store.apply([ChangeSet(call_counts=_by_app_and_day(counts))])


def _by_app_and_day(counted: Counter[CountKey]) -> tuple[CallCount, ...]:
    counts: dict[tuple[str, Instant], dict[str, int]] = {}
    for (app_id, day, signature), calls in counted.items():
        counts.setdefault((app_id, day), {})[signature.value] = calls
    return tuple(CallCount(app_id=app_id, day=day, **by_signature) for (app_id, day), by_signature in counts.items())
