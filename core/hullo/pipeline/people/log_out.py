"""Every session of one person ends: what a stolen token was good for is over (S2)."""

from __future__ import annotations

from dataclasses import dataclass

from hullo.model.change_set import ChangeSet, LogOut
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.moment import Moment
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.survivors import unabsorbed
from hullo.pipeline.telling import audited
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutEverywhere:
    """In every app and browser. `contact_id` is who it is by now, by `current_contact`."""

    contact_id: ContactId
    workspace_id: str
    by: str
    """As in `Fact.by`."""
    moment: Moment

    def prepare(self, apps: AppDirectory) -> Prepared[ContactId]:  # noqa: ARG002 - no app is asked
        """Refuses nothing: the key was checked by whoever took the call."""
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=(self.contact_id,), audited=True)
        return Prepared(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound` and `Conflicting`, as `unabsorbed` does."""
        contact = unabsorbed(snapshot, self.contact_id)
        over = LogOut(contact_id=contact.id, at=self.moment.now)
        entry = audited(
            snapshot, self.moment, self.workspace_id, by=self.by, action="contact.logged_out", subject=contact.id
        )
        return Decision(answer=contact.id, change_set=ChangeSet(log_outs=(over,), audits=(entry,)))
