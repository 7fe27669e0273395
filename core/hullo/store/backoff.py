"""How long to wait before a change is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Final

MAX_ATTEMPTS: Final = 20


INITIAL_BACKOFF: Final = 0.001


MAX_BACKOFF: Final = 0.05
"""Seconds."""


def attempts() -> Iterator[int]:
    """For a change that goes alone: numbers its tries, with longer and longer pauses between them."""
    for number in range(MAX_ATTEMPTS):
        if number > 1:
            pause_after(number)
        yield number


def pause_after(conflicts: int) -> None:
    time.sleep(random.uniform(0, min(INITIAL_BACKOFF * 2**conflicts, MAX_BACKOFF)))
