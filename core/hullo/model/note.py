"""Notes of agents about a contact or a conversation."""

from __future__ import annotations

from hullo.model.instant import Instant
from hullo.value import Value

NoteId = str


class Note(Value):
    """Note on `subject_id`, a contact or a conversation. Never shown to visitors."""

    id: NoteId
    workspace_id: str
    subject_id: str
    text: str
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
