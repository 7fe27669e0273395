"""Whether the server of a bus is within reach, as the log is told."""

from __future__ import annotations

import logging
import threading
from typing import Literal

from hullo.pipeline.rounds import reason_of

_log = logging.getLogger("hullo.bus")

Side = Literal["hearing", "telling"]


class Reach:
    """One line when either side loses the server, and one when neither lacks it any more."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lost: set[Side] = set()
        self._changing = threading.Lock()

    def lost(self, side: Side, error: Exception) -> None:
        """This side cannot reach it, and goes on trying."""
        with self._changing:
            first = not self._lost
            self._lost.add(side)
        if first:
            _log.warning(
                "the bus at %s is out of reach, so other processes hear of what happens here late: %s",
                self._where,
                reason_of(error),
            )
            _log.debug("", exc_info=error)

    def found(self, side: Side) -> None:
        """This side has reached it."""
        with self._changing:
            last = self._lost == {side}
            self._lost.discard(side)
        if last:
            _log.info("the bus at %s is within reach again", self._where)

    def given_up(self, side: Side) -> None:
        """This side does not try any more."""
        with self._changing:
            self._lost.discard(side)
