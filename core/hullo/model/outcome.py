"""The outcome of an identify call."""

from __future__ import annotations

from hullo.errors import Rejection
from hullo.model.app import AppId
from hullo.model.conflict import Conflict
from hullo.model.contact import ContactId
from hullo.model.decision_record import FieldVerdict
from hullo.model.merge import MergeId
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.model.visitor import VisitorId
from hullo.value import Value


class JoinedRecord(Value):
    """The record that a server's call wrote to, which is shown in the contact on a claim (J)."""

    merge_id: MergeId
    email: str


class Outcome(Value, secrets=("session_token",)):
    """Everything that was decided. `standing` limits what the caller gets to see (H2)."""

    request_id: str
    contact_id: ContactId | None
    """None for an unproven call that names only an erased person: no contact is created (P2)."""
    matched_by: str
    """`external_id`, `email`, `created`, a plugin's name, or `erased`."""
    standing: Standing
    visitor_id: VisitorId | None
    """None when a server wrote without a visitor."""
    session_token: str | None
    """Set only for a new session."""
    switched: bool
    """Another person than before in this browser (C5)."""
    identified: bool
    """True for the first link of this visitor to this contact."""
    changed: bool
    """False when nothing was written (W9)."""
    may_add_contact: bool
    """True where a visitor without proof named an identifier that the session had not claimed. Says nothing of stored
    contacts (H2)."""
    linked_conversations: int
    written: tuple[FieldVerdict, ...]
    kept: tuple[FieldVerdict, ...]
    rejected: tuple[Rejection, ...]
    conflicts: tuple[Conflict, ...]
    noted: tuple[str, ...] = ()
    """Kinds of the identifiers that a proven visitor gave without proof (H3). A browser learns no more of them, whether
    they belong to another contact or not; `written`, `kept` and `conflicts` tell the rest to agents and API keys."""
    is_found_by_noted: bool = False
    """True where only an identifier of `noted` led to a stored contact."""
    joined: JoinedRecord | None = None
    """Set where a server writes about an email that the contact's visitor only gave: the values are claimed there."""
    app_id: AppId | None = None
    """None when a server wrote no app's custom data."""
    signature: Signature | None = None
    """How the call was proven. None where that is not counted: for a server, and in an app with verification off."""
    mistake: str | None = None
    """Fault of evidence that was ignored, in an app that only reports faults (V3)."""
