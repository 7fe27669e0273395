"""Once a day, what is too old is removed (P3)."""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING, ClassVar, Final

from hullo.errors import HulloError
from hullo.hooks.specs import hookimpl
from hullo.model.instant import DAY
from hullo.pipeline.privacy.retaining import retain

if TYPE_CHECKING:
    from hullo.app import Hullo

_log = logging.getLogger("hullo.retention")

LEASE: Final = "retention"
FIRST_LOOK: Final = 5 * 60.0
"""Seconds after the start, so that no command waits for it, and no start."""
LOOK_EVERY: Final = 60 * 60.0


class RetentionJob:
    """Of all processes over one database the one that takes the day's lease does it; the others look again later.

    Where a run is stopped in the middle, the next day's goes on. Other jobs, such as cron with `hullo retention run`,
    are in nobody's way.
    """

    name: ClassVar = "retention"

    def __init__(self, first: float = FIRST_LOOK, every: float = LOOK_EVERY) -> None:
        """In seconds, until it looks for the first time whether there is something to do, and then."""
        self._first = first
        self._every = every
        self._holder = secrets.token_hex(8)
        self._hullo: Hullo | None = None
        self._timer: threading.Timer | None = None
        self._planning = threading.Lock()
        self._running = threading.Lock()

    @hookimpl
    def startup(self, hullo: Hullo) -> None:
        self._hullo = hullo
        self._look_in(self._first)

    @hookimpl
    def shutdown(self) -> None:
        with self._planning:
            self._hullo = None
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        with self._running:  # whoever shuts down waits for what is under way
            pass

    def _look_in(self, seconds: float) -> None:
        with self._planning:
            if self._hullo is not None:
                self._timer = threading.Timer(seconds, self._look)
                self._timer.daemon = True
                self._timer.start()

    def _look(self) -> None:
        try:
            with self._running:
                hullo = self._hullo
                if hullo is not None:
                    self._run_once_a_day(hullo)
        except HulloError as error:
            _log.warning("what is too old stays for now: %s", error.code)
        finally:
            self._look_in(self._every)

    def _run_once_a_day(self, hullo: Hullo) -> None:
        now = hullo.clock()
        # Each time another holder: one that asks again is told yes, and the day has one run.
        holder = f"{self._holder}:{now}"
        if not hullo.store.take_lease(LEASE, holder, now, now + DAY):
            return
        try:
            run = retain(hullo.store, hullo.clock, self.name)
        except HulloError:
            hullo.store.give_up_lease(LEASE, holder)
            raise
        if run.swept.total or run.deliveries:
            _log.info("removed %d old records, and %d deliveries", run.swept.total, run.deliveries)
