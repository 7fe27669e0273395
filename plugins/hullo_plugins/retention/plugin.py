"""The plugin: removes data that is too old, once a day (P3)."""

from __future__ import annotations

import logging
import secrets
import threading
from typing import ClassVar, Final

from hullo.plugin import DAY, Host, HulloError, hookimpl, run_retention

_log = logging.getLogger("hullo.retention")

LEASE_NAME: Final = "retention"
FIRST_DELAY: Final = 5 * 60.0
"""Seconds after the start, so that neither commands nor the start wait for it."""
INTERVAL: Final = 60 * 60.0
"""Seconds between two looks at the lease."""


class RetentionJob:
    """Removes data that is too old. Of all processes over one database, the one that takes the day's lease does it.

    When a run is stopped in the middle, that of the next day continues it. Other jobs, such as cron with
    `hullo retention run`, may run at the same time.
    """

    name: ClassVar = "retention"

    def __init__(self, first_delay: float = FIRST_DELAY, interval: float = INTERVAL) -> None:
        """Take the seconds until the first look at the lease, and between two looks."""
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
        # The timer's thread may be in the middle of a run: the store must stay open until that ends.
        with self._run_lock:
            pass

    def _schedule(self, seconds: float) -> None:
        with self._timer_lock:
            # A run that ends after shutdown must not start another timer.
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
        # A new holder at each look: a lease is renewed for its own holder, and the day would have more than one run.
        holder = f"{self._holder}:{now}"
        if not hullo.store.acquire_lease(LEASE_NAME, holder, now, now + DAY):
            return
        try:
            run = run_retention(hullo.store, hullo.clock, self.name)
        except HulloError:
            # Otherwise no process would try again before tomorrow.
            hullo.store.release_lease(LEASE_NAME, holder)
            raise
        if run.total_removed.total or run.deliveries:
            _log.info("removed %d old records, and %d deliveries", run.total_removed.total, run.deliveries)
