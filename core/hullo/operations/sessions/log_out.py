"""Revocation of the proven sessions of a contact, which ends the use of a stolen token (S2, H4)."""

from __future__ import annotations

from hullo.model.change_set import ChangeSet, SessionRevocation
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.rules.events import next_audit_entry
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class LogOutEverywhere(Value):
    """Revocation in every app and browser. Sessions that only claimed to be this person lose the contact (H4).

    `contact_id` is the current contact, by `current_contact`.
    """

    contact_id: ContactId
    workspace_id: str
    by: str
    """As in `Fact.by`."""
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[ContactId]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,), include_audit_head=True
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Revoke the sessions. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        # By contact, not by a list: a session that starts while this is decided is ended too.
        revocation = SessionRevocation(contact_id=contact.id, at=self.context.now)
        entry = next_audit_entry(
            snapshot, self.context, self.workspace_id, by=self.by, action="contact.logged_out", subject=contact.id
        )
        return Decision(
            result=contact.id, change_set=ChangeSet(session_revocations=(revocation,), audit_entries=(entry,))
        )
