"""What goes on beside the calls: in a thread of its own, whenever there is reason to, and every so often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from hullo.errors import HulloError

_log = logging.getLogger("hullo.rounds")

FAILURE_RETRY_DELAY: Final = 1.0
"""Seconds until the next round."""


class BackgroundWorker:
    """Goes a round when it is nudged, and as many seconds after the last one as that has returned.

    The thread begins with the first nudge after `begin`, is over after `end`, and keeps no process alive. A round that
    fails is logged, once until one succeeds, and gone again.
    """

    def __init__(self, name: str, run_once: Callable[[], float]) -> None:
        self._name = name
        self._run_once = run_once
        self._wake_event = threading.Event()
        self._is_started = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._failing = False

    def start(self) -> None:
        """Nudges count from now on."""
        self._is_started = True

    def wake(self) -> None:
        """A round is gone soon, or once more when one is under way. Returns at once."""
        self._wake_event.set()
        # Not alive: a process that was forked has none of its parent's threads.
        if self._is_started and (self._thread is None or not self._thread.is_alive()):
            self._start_thread()

    def stop(self, timeout: float) -> None:
        """No round is begun any more. Waits so many seconds for the one that is under way."""
        with self._lock:
            self._is_started = False
            thread, self._thread = self._thread, None
        self._wake_event.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _start_thread(self) -> None:
        with self._lock:
            if self._is_started and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._run, name=f"hullo {self._name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        # One that was given up on, and only now comes back from its round, is not the thread any more.
        while self._thread is threading.current_thread():
            self._wake_event.clear()
            pause = self._run_guarded()
            if self._thread is threading.current_thread():
                self._wake_event.wait(pause)

    def _run_guarded(self) -> float:
        try:
            pause = self._run_once()
        except Exception as failed:
            if not self._failing:
                _log.warning("%s cannot go on, and is tried again: %s", self._name, describe_error(failed))
                _log.debug("", exc_info=failed)
            self._failing = True
            return FAILURE_RETRY_DELAY
        self._failing = False
        return pause


def describe_error(error: Exception) -> str:
    """For the log: of what is not ours the type alone, as a message may quote a person's data (P4)."""
    return error.detail if isinstance(error, HulloError) else type(error).__name__
