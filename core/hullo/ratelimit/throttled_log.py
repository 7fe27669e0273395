"""Warnings for the operator, once a minute each: what happens with every call must not fill the log."""

from __future__ import annotations

import logging
from typing import Final

from hullo.model.request_context import Clock
from hullo.ratelimit.windows import LocalWindows

MAX_SUBJECTS: Final = 1_000
SUBJECTS_PER_MINUTE: Final = 20
"""Subjects of one kind: callers choose what they send, and may send something else each time."""


class ThrottledLog:
    """Write a warning for each kind and subject once a minute. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._subjects = LocalWindows(clock, MAX_SUBJECTS)
        self._kinds = LocalWindows(clock, MAX_SUBJECTS)

    def warn(self, logger: logging.Logger, kind: str, subject: str, message: str, *arguments: object) -> None:
        """Log the message, unless the subject or too many others of its kind were logged within a minute."""
        # The kind second: a subject that is logged already takes no room from others.
        is_new = self._subjects.acquire(f"{kind}\0{subject}", 1).is_taken
        if is_new and self._kinds.acquire(kind, SUBJECTS_PER_MINUTE).is_taken:
            logger.warning(message, *arguments)
