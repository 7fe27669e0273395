"""How often and how long to wait before a change is tried again."""

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
    """Number the tries of a change that runs alone, with growing pauses between them."""
    for number in range(MAX_ATTEMPTS):
        # The first retry comes at once: its rival has committed already.
        if number > 1:
            pause_after(number)
        yield number


def pause_after(conflicts: int) -> None:
    # A random share of the whole pause ("full jitter"): rivals that met once do not meet again.
    time.sleep(random.uniform(0, min(INITIAL_BACKOFF * 2**conflicts, MAX_BACKOFF)))
