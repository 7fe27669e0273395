"""How many identify calls were signed, so that an owner sees it before demanding it (V3)."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final

from hullo.errors import HulloError, ProofRejected, ProofRequired
from hullo.hooks.specs import hookimpl
from hullo.model.app import App
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.instant import DAY, Instant
from hullo.model.outcome import Outcome
from hullo.model.proof import Signature

if TYPE_CHECKING:
    from hullo.app import Hullo

_log = logging.getLogger("hullo.signature_counts")

Counted = tuple[str, Instant, Signature]

KEEP_EVERY: Final = 2.0
"""Seconds."""


class SignatureCounts:
    """Counts in memory, and adds to the store a moment later: a call that changes nothing costs no write (W9).

    What a process has counted in its last `seconds` is lost when it is killed.
    """

    name: ClassVar = "signature-counts"
    waits: ClassVar = False

    def __init__(self, seconds: float = KEEP_EVERY) -> None:
        self._seconds = seconds
        self._hullo: Hullo | None = None
        self._counted: Counter[Counted] = Counter()
        self._timer: threading.Timer | None = None
        self._counting = threading.Lock()
        self._keeping = threading.Lock()

    @hookimpl
    def startup(self, hullo: Hullo) -> None:
        self._hullo = hullo

    @hookimpl
    def shutdown(self) -> None:
        with self._counting:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._keep()
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
        hullo = self._hullo
        if hullo is None:
            return
        now = hullo.clock()
        with self._counting:
            self._counted[app_id, now - now % DAY, signature] += 1
            self._keep_soon()

    def _keep_soon(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._keep)
            self._timer.daemon = True
            self._timer.start()

    def _keep(self) -> None:
        with self._keeping:  # whoever shuts down waits for what is under way
            with self._counting:
                self._timer = None
                counted, self._counted = self._counted, Counter()
            hullo = self._hullo
            if hullo is None or not counted:
                return
            try:
                hullo.store.apply([ChangeSet(call_counts=_by_app_and_day(counted))])
            except HulloError as error:
                _log.warning("calls are counted on in memory, since the store cannot keep them: %s", error.code)
                with self._counting:
                    self._counted.update(counted)


def _by_app_and_day(counted: Counter[Counted]) -> tuple[CallCount, ...]:
    counts: dict[tuple[str, Instant], dict[str, int]] = {}
    for (app_id, day, signature), calls in counted.items():
        counts.setdefault((app_id, day), {})[signature.value] = calls
    return tuple(CallCount(app_id=app_id, day=day, **each) for (app_id, day), each in counts.items())
