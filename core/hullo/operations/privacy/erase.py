"""Everything about one person is removed, and what stays says only that it was done (P2)."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import asdict

from hullo.errors import Conflicting
from hullo.model.change_set import ChangeSet, Erasure
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.merge import RelatedCounts
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.tombstone import Tombstone, tombstone_digest
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.merging.survivors import require_not_merged
from hullo.store.protocol import ContactReads
from hullo.store.reading import current_contact
from hullo.value import Value

ErasureMode = Literal["erase", "anonymise"]
"""Of conversations."""


class EraseContact(Value):
    """One contact, with everybody whom it absorbed.

    `contact_id` and `extent` are as `found` gives them: who answers to `asked_id` by now, and how much there is of
    them, as it is told in the audit log. The names leave tombstones: nobody is made anew of them without proof.
    """

    requested_id: ContactId
    contact_id: ContactId
    workspace_id: str
    conversations: ErasureMode
    related_counts: RelatedCounts
    by: str
    """As in `Fact.by`."""
    context: RequestContext

    @classmethod
    def for_contact(
        cls,
        store: ContactReads,
        workspace_id: str,
        contact_id: ContactId,
        *,
        conversations: ErasureMode,
        by: str,
        context: RequestContext,
    ) -> EraseContact:
        """The work of erasing whoever answers to this id (G3). Raises `NotFound`."""
        contact = current_contact(store, workspace_id, contact_id)
        return cls(
            requested_id=contact_id,
            contact_id=contact.id,
            workspace_id=workspace_id,
            conversations=conversations,
            related_counts=store.count_related(workspace_id, contact.id),
            by=by,
            context=context,
        )

    def prepare(self, apps: Apps) -> PreparedOperation[ContactId]:
        """Refuses nothing: the key was checked by whoever took the call."""
        salt = apps.workspace_salt(self.workspace_id)
        people = (self.contact_id, self.requested_id)
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=people, include_audit_head=True)
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(salt, snapshot))

    def _decide(self, salt: str, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound` and `Conflicting`, as `unabsorbed` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        asked = snapshot.contacts.get(self.requested_id)
        if asked is None or (asked is not contact and asked.merged_into is None):
            raise Conflicting("this contact has been taken out of the other meanwhile; try again")
        moment = self.context.at_least(contact.updated_at)
        names = contact.identifier_digests()
        teller = EventBuilder(moment, self.workspace_id, by=self.by)
        teller.add("contact.erased", contact.id, {"conversations": self.conversations})
        entry = next_audit_entry(
            snapshot,
            moment,
            self.workspace_id,
            by=self.by,
            action="contact.erased",
            subject=contact.id,
            fate_of_conversations=self.conversations,
            identifiers=len(names),
            **asdict(self.related_counts),
        )
        return Decision(
            result=contact.id,
            change_set=ChangeSet(
                erasures=(Erasure(contact=contact, conversations=self.conversations, at=moment.now),),
                tombstones=tuple(
                    Tombstone(digest=tombstone_digest(salt, digest), workspace_id=self.workspace_id, at=moment.now)
                    for digest in names
                ),
                audit_entries=(entry,),
                events=teller.events,
            ),
        )
