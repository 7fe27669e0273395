"""For how long what is kept (P3), and what a run of that removed."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo.value import Value


class Retention(Value):
    """Of one app, in days. None: for ever."""

    anonymous_days: int | None = 30
    """Visitors without a contact and without a conversation, after they were last seen (S3)."""
    conversation_days: int | None = None
    """Conversations, after their last message."""
    decision_days: int | None = 90
    timeline_days: int | None = None


class Sweep(Value):
    """What a run removes: whatever of one app is older than these moments. None: leaves that alone.

    A run that is repeated, or broken off, or made by two at once, removes the same.
    """

    app_id: str
    now: Instant
    """Sessions that are over by then go, whoever they were of."""
    anonymous_before: Instant | None = None
    conversations_before: Instant | None = None
    decisions_before: Instant | None = None
    timeline_before: Instant | None = None
    limit: int = 500
    """Of each kind, so that nobody waits long for it. A run goes on until nothing is left to remove."""


class SweepResult(Value):
    """How many of each were removed; in a dry run, how many there are."""

    sessions: int = 0
    visitors: int = 0
    conversations: int = 0
    messages: int = 0
    decisions: int = 0
    timeline: int = 0

    @property
    def total(self) -> int:
        """0: there was nothing left to remove."""
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
