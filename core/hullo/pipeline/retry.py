"""How long the pipeline keeps trying when others change the same records."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from typing import Final

from hullo.pipeline.work import Unit

TRIES: Final = 20
FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.05
"""Seconds."""


def tries() -> Iterator[int]:
    """For a change that goes alone: numbers its tries, with longer and longer pauses between them."""
    for number in range(TRIES):
        if number > 1:
            _pause(number)
        yield number


def _pause(conflicts: int) -> None:
    time.sleep(random.uniform(0, min(FIRST_PAUSE * 2**conflicts, LONGEST_PAUSE)))


class Patience:
    """Counts the conflicts of one group, and spaces its rounds.

    The first conflict is decided again at once: in most cases the other writer is done. From the second on, a
    pause of random length lets writers that keep meeting each other drift apart.
    """

    def __init__(self) -> None:
        self._rounds = 0
        self._worst = 0

    @property
    def tried(self) -> bool:
        """Whether a conflict was met."""
        return self._worst > 0

    def next_round(self, waiting: Sequence[Unit]) -> list[Unit]:
        """Who goes next. At first everybody, since most calls change nothing and can share a look; after that
        one of each person, as only one of those can win."""
        self._rounds += 1
        if self._worst > 1:
            _pause(self._worst)
        if self._rounds == 1:
            return list(waiting)
        first: list[Unit] = []
        taken: set[str] = set()
        for unit in waiting:
            names = unit.prepared.names if unit.prepared else set[str]()
            if names.isdisjoint(taken):
                taken |= names
                first.append(unit)
        return first

    def with_another(self, unit: Unit) -> bool:
        """Notes a conflict; False when the unit has had its tries."""
        unit.conflicts += 1
        self._worst = max(self._worst, unit.conflicts)
        return unit.conflicts < TRIES
