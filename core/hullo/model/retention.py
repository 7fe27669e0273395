"""Retention periods of an app (P3), and the input and result of a sweep."""

from __future__ import annotations

from msgspec.structs import asdict

from hullo.model.contact import ContactId
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
    # On by default: any page can make contacts by claims, and without a limit they would pile up.
    contact_days: int | None = 365
    """Contacts that were never proven and that have no conversation, after they were last seen (P3). Contacts belong
    to the workspace: the longest time of its apps counts."""


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
    workspace_id: str = ""
    contacts_before: Instant | None = None
    """Contacts of the workspace, whatever the app, that hold no proven value, no tag and no note, have absorbed no
    other, are not blocked and have no conversation. Their sessions lose the contact and continue, unless they are over
    (H4)."""
    contacts_after: ContactId = ""
    """The `SweepResult.last_contact` of the sweep before, so that no sweep looks at the same contacts again."""
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
    contacts: int = 0
    last_contact: ContactId = ""
    """The largest id among the removed contacts."""

    @property
    def total(self) -> int:
        """Count all records. 0: nothing was left to remove."""
        return sum(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts by kind."""
        return {name: count for name, count in asdict(self).items() if name != "last_contact"}

    def __add__(self, other: SweepResult) -> SweepResult:
        return SweepResult(
            sessions=self.sessions + other.sessions,
            visitors=self.visitors + other.visitors,
            conversations=self.conversations + other.conversations,
            messages=self.messages + other.messages,
            decisions=self.decisions + other.decisions,
            timeline=self.timeline + other.timeline,
            contacts=self.contacts + other.contacts,
            last_contact=max(self.last_contact, other.last_contact),
        )
