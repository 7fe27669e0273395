"""A thread that runs one job when it is woken, and again after a pause."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from hullo.errors import describe_error

_log = logging.getLogger("hullo.rounds")

FAILURE_RETRY_DELAY: Final = 1.0
"""Seconds between a failed run and the next one."""


class BackgroundWorker:
    """Run a job in a thread of its own: after `wake`, and as many seconds after each run as that run returned.

    The thread starts with the first `wake` after `start`, ends after `stop`, and keeps no process alive. A run that
    raises is repeated after `FAILURE_RETRY_DELAY`; the log has one line for a row of failures. May be started again
    after `stop`. `start`, `wake` and `stop` are safe to call from several threads.
    """

    def __init__(self, name: str, run_once: Callable[[], float]) -> None:
        self._name = name
        self._run_once = run_once
        self._wake_event = threading.Event()
        self._is_started = False
        self._thread: threading.Thread | None = None
        # Guards `_is_started` and `_thread` together: without it two `wake` calls would start two threads, or one
        # would start a thread behind the back of `stop`.
        self._lock = threading.Lock()
        self._failing = False

    def start(self) -> None:
        """Let `wake` start the thread from now on. Starts none itself: a process that is idle needs none."""
        self._is_started = True

    def wake(self) -> None:
        """Ask for a run, or for another one when a run is under way. Returns at once."""
        self._wake_event.set()
        # Read without the lock, as every request comes through here; `_start_thread` looks again with it.
        # The thread may be dead although nothing stopped it: a forked process has no threads of its parent.
        if self._is_started and (self._thread is None or not self._thread.is_alive()):
            self._start_thread()

    def stop(self, timeout: float) -> None:
        """Begin no further run, and wait at most `timeout` seconds for the one that is under way."""
        with self._lock:
            self._is_started = False
            # The thread compares itself with this attribute, so None ends it.
            thread, self._thread = self._thread, None
        self._wake_event.set()  # ends the pause that the thread may be in
        # Joined without the lock, as the job may call `wake`. A job may also call `stop`, and cannot wait for itself.
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _start_thread(self) -> None:
        with self._lock:
            if self._is_started and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name=f"hullo {self._name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        # A thread that `stop` did not wait for may come back from its run after a restart. By then `_thread` is
        # another thread, and this one must end: two of them would run the job at the same time.
        while self._thread is threading.current_thread():
            # Cleared before the run, not after it: a `wake` during the run asks for another one.
            self._wake_event.clear()
            pause = self._run_guarded()
            if self._thread is threading.current_thread():
                self._wake_event.wait(pause)

    def _run_guarded(self) -> float:
        """Run the job once. Never raises. Returns the seconds to pause."""
        try:
            pause = self._run_once()
        # Of every kind: an exit that a plugin asks for would end this thread, and no other takes over.
        except BaseException as failed:
            # Only the first failure of a row: a store that is away for an hour would fill the log.
            if not self._failing:
                _log.warning("%s cannot go on, and is tried again: %s", self._name, describe_error(failed))
                _log.debug("", exc_info=failed)
            self._failing = True
            return FAILURE_RETRY_DELAY
        self._failing = False
        return pause
