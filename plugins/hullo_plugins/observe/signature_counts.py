"""How many identify calls were signed, so that an owner sees it before demanding it (V3)."""

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
from hullo_plugins.observe.gathering import BufferedCounter

CountKey = tuple[str, Instant, Signature]

INTERVAL: Final = 2.0
"""Seconds."""


class SignatureCounts:
    """Counts in memory, and adds to the store a moment later: a call that changes nothing costs no write (W9).

    What a process has counted in its last `seconds` is lost when it is killed.
    """

    name: ClassVar = "signature-counts"
    waits: ClassVar = False

    def __init__(self, seconds: float = INTERVAL) -> None:
        self._hullo: Host | None = None
        self._counter: BufferedCounter[CountKey] = BufferedCounter(seconds, self._write_counts)

    @hookimpl
    def startup(self, hullo: Host) -> None:
        self._hullo = hullo

    @hookimpl
    def shutdown(self) -> None:
        self._counter.close()
        self._hullo = None

    @hookimpl
    def identified(self, outcome: Outcome) -> None:
        if outcome.signature is not None and outcome.app_id is not None:
            self._count(outcome.app_id, outcome.signature)

    @hookimpl
    def identify_refused(self, error: HulloError, app: App | None) -> None:
        if app is not None and isinstance(error, ProofRejected | ProofRequired):
            self._count(app.id, Signature.WRONG if isinstance(error, ProofRejected) else Signature.UNSIGNED)

    def _count(self, app_id: str, signature: Signature) -> None:
        if self._hullo is not None:
            now = self._hullo.clock()
            self._counter.increment((app_id, now - now % DAY, signature))

    def _write_counts(self, counted: Counter[CountKey]) -> None:
        if self._hullo is not None:
            self._hullo.store.apply([ChangeSet(call_counts=_by_app_and_day(counted))])


def _by_app_and_day(counted: Counter[CountKey]) -> tuple[CallCount, ...]:
    counts: dict[tuple[str, Instant], dict[str, int]] = {}
    for (app_id, day, signature), calls in counted.items():
        counts.setdefault((app_id, day), {})[signature.value] = calls
    return tuple(CallCount(app_id=app_id, day=day, **each) for (app_id, day), each in counts.items())
