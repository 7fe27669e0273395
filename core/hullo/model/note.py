"""What agents write down about a person or a conversation, for each other."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo.value import Value

NoteId = str


class Note(Value):
    """`subject_id` is a contact's or a conversation's. Never shown to visitors."""

    id: NoteId
    workspace_id: str
    subject_id: str
    text: str
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
