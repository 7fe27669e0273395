"""Whether the server of a bus is within reach, as the log is told."""

from __future__ import annotations

import logging
import threading
from typing import Literal

from hullo.background.worker import describe_error

_log = logging.getLogger("hullo.bus")

Direction = Literal["hearing", "telling"]


class ReachabilityLog:
    """One line when either side loses the server, and one when neither lacks it any more."""

    def __init__(self, redacted_url: str) -> None:
        self._redacted_url = redacted_url
        self._failing: set[Direction] = set()
        self._lock = threading.Lock()

    def record_failure(self, side: Direction, error: Exception) -> None:
        """This side cannot reach it, and goes on trying."""
        with self._lock:
            first = not self._failing
            self._failing.add(side)
        if first:
            _log.warning(
                "the bus at %s is out of reach, so other processes hear of what happens here late: %s",
                self._redacted_url,
                describe_error(error),
            )
            _log.debug("", exc_info=error)

    def record_success(self, side: Direction) -> None:
        """This side has reached it."""
        with self._lock:
            last = self._failing == {side}
            self._failing.discard(side)
        if last:
            _log.info("the bus at %s is within reach again", self._redacted_url)

    def forget(self, side: Direction) -> None:
        """This side does not try any more."""
        with self._lock:
            self._failing.discard(side)
