"""The audit entry of an export (P1). The document itself is in `hullo.api.export_schemas`."""

from __future__ import annotations

from hullo.model.change_set import ChangeSet
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.rules.events import next_audit_entry
from hullo.rules.merging.survivors import require_not_merged
from hullo.store.protocol import ContactReads
from hullo.store.reading import current_contact
from hullo.value import Value


class RecordExport(Value):
    """Audit entry of an export, written before any data is read. `for_contact` finds the contact."""

    contact_id: ContactId
    workspace_id: str
    by: str
    """As in `Fact.by`."""
    context: RequestContext

    @classmethod
    def for_contact(
        cls, store: ContactReads, workspace_id: str, contact_id: ContactId, *, by: str, context: RequestContext
    ) -> RecordExport:
        """Build the operation for the current contact of this id (G3). Raises `NotFound`."""
        contact = current_contact(store, workspace_id, contact_id)
        return cls(contact_id=contact.id, workspace_id=workspace_id, by=by, context=context)

    def prepare(self, apps: Apps) -> PreparedOperation[ContactId]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked the API key."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,), include_audit_head=True
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Add the audit entry. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        # The id only: the log must not become a second copy of the data (P4).
        entry = next_audit_entry(
            snapshot, self.context, self.workspace_id, by=self.by, action="contact.exported", subject=contact.id
        )
        return Decision(result=contact.id, change_set=ChangeSet(audit_entries=(entry,)))
