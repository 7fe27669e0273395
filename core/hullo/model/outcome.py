"""The answer to an identify call."""

from __future__ import annotations

from hullo.errors import Rejection
from hullo.model.app import AppId
from hullo.model.conflict import Conflict
from hullo.model.contact import ContactId
from hullo.model.decision_record import FieldVerdict
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.model.visitor import VisitorId
from hullo.value import Value


class Outcome(Value, secrets=("session_token",)):
    """Everything that was decided. How much of it a caller is told depends on `standing` (H2)."""

    request_id: str
    contact_id: ContactId | None
    """None where the call names somebody who was erased, and proves nothing: nobody was made anew (P2)."""
    matched_by: str
    """`external_id`, `email`, `created`, a plugin's name, or `erased`."""
    standing: Standing
    visitor_id: VisitorId | None
    """None when a server wrote about a person without any visitor."""
    session_token: str | None
    """Only when it is new."""
    switched: bool
    """Another person than before on this browser (C5)."""
    identified: bool
    """The first link of this visitor to this contact, and not a repeat."""
    changed: bool
    """Whether anything was written (W9)."""
    linked_conversations: int
    written: tuple[FieldVerdict, ...]
    kept: tuple[FieldVerdict, ...]
    rejected: tuple[Rejection, ...]
    conflicts: tuple[Conflict, ...]
    app_id: AppId | None = None
    """None when a server wrote about a person, and about no app's custom data."""
    signature: Signature | None = None
    """What the call had to show for itself. None where nobody asks: for a server, and in an app whose mode is off."""
    mistake: str | None = None
    """The mistake in evidence that was let pass as none, in an app that only reports it (V3)."""
