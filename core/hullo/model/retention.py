"""Retention periods of an app (P3), and the input and result of a sweep."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo.value import Value


class Retention(Value):
    """Retention periods of one app, in days. None: for ever."""

    # Most visitors never write: without a default their rows would pile up (S3).
    anonymous_days: int | None = 30
    """Visitors without a contact and without a conversation, after they were last seen (S3)."""
    conversation_days: int | None = None
    """Conversations, after their last message."""
    decision_days: int | None = 90
    timeline_days: int | None = None


class Sweep(Value):
    """One removal run for one app: records older than these times. None keeps all records of that kind.

    A repeated, interrupted or concurrent sweep removes the same records.
    """

    app_id: str
    now: Instant
    """Sessions that have expired by then are removed, with or without a contact."""
    anonymous_before: Instant | None = None
    conversations_before: Instant | None = None
    decisions_before: Instant | None = None
    timeline_before: Instant | None = None
    limit: int = 500
    """Per kind, so that other writes do not wait long. A run repeats until nothing is left to remove."""


class SweepResult(Value):
    """Number of removed records; in a dry run, of removable ones."""

    sessions: int = 0
    visitors: int = 0
    conversations: int = 0
    messages: int = 0
    decisions: int = 0
    timeline: int = 0

    @property
    def total(self) -> int:
        """Count all records. 0: nothing was left to remove."""
        return sum((self.sessions, self.visitors, self.conversations, self.messages, self.decisions, self.timeline))

    def __add__(self, other: SweepResult) -> SweepResult:
        return SweepResult(
            sessions=self.sessions + other.sessions,
            visitors=self.visitors + other.visitors,
            conversations=self.conversations + other.conversations,
            messages=self.messages + other.messages,
            decisions=self.decisions + other.decisions,
            timeline=self.timeline + other.timeline,
        )
