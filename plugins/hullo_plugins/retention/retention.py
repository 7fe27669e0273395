"""Once a day, what is too old is removed (P3)."""

from __future__ import annotations

import logging
import secrets
import threading
from typing import ClassVar, Final

from hullo.plugin import DAY, Host, HulloError, hookimpl, run_retention

_log = logging.getLogger("hullo.retention")

LEASE_NAME: Final = "retention"
FIRST_DELAY: Final = 5 * 60.0
"""Seconds after the start, so that no command waits for it, and no start."""
INTERVAL: Final = 60 * 60.0


class RetentionJob:
    """Of all processes over one database the one that takes the day's lease does it; the others look again later.

    Where a run is stopped in the middle, the next day's goes on. Other jobs, such as cron with `hullo retention run`,
    are in nobody's way.
    """

    name: ClassVar = "retention"

    def __init__(self, first_delay: float = FIRST_DELAY, interval: float = INTERVAL) -> None:
        """In seconds, until it looks for the first time whether there is something to do, and then."""
        self._first_delay = first_delay
        self._interval = interval
        self._holder = secrets.token_hex(8)
        self._hullo: Host | None = None
        self._timer: threading.Timer | None = None
        self._timer_lock = threading.Lock()
        self._run_lock = threading.Lock()

    @hookimpl
    def startup(self, hullo: Host) -> None:
        self._hullo = hullo
        self._schedule(self._first_delay)

    @hookimpl
    def shutdown(self) -> None:
        with self._timer_lock:
            self._hullo = None
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        with self._run_lock:  # whoever shuts down waits for what is under way
            pass

    def _schedule(self, seconds: float) -> None:
        with self._timer_lock:
            if self._hullo is not None:
                self._timer = threading.Timer(seconds, self._check)
                self._timer.daemon = True
                self._timer.start()

    def _check(self) -> None:
        try:
            with self._run_lock:
                hullo = self._hullo
                if hullo is not None:
                    self._run_if_due(hullo)
        except HulloError as error:
            _log.warning("what is too old stays for now: %s", error.code)
        finally:
            self._schedule(self._interval)

    def _run_if_due(self, hullo: Host) -> None:
        now = hullo.clock()
        # Each time another holder: one that asks again is told yes, and the day has one run.
        holder = f"{self._holder}:{now}"
        if not hullo.store.acquire_lease(LEASE_NAME, holder, now, now + DAY):
            return
        try:
            run = run_retention(hullo.store, hullo.clock, self.name)
        except HulloError:
            hullo.store.release_lease(LEASE_NAME, holder)
            raise
        if run.total_removed.total or run.deliveries:
            _log.info("removed %d old records, and %d deliveries", run.total_removed.total, run.deliveries)
