"""Erasure of a person: all data is removed, and only the record of the erasure stays (P2)."""

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
"""Treatment of conversations."""


class EraseContact(Value):
    """Erasure of a contact with all contacts it absorbed.

    `for_contact` finds `contact_id`, the current contact of `requested_id`, and `related_counts` for the audit log. The
    identifiers leave tombstones: an unproven claim of one creates no contact.
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
        """Build the operation for the current contact of this id (G3). Raises `NotFound`."""
        contact = current_contact(store, workspace_id, contact_id)
        return cls(
            requested_id=contact_id,
            contact_id=contact.id,
            workspace_id=workspace_id,
            conversations=conversations,
            # Counted before: afterwards there is nothing left to count for the audit log.
            related_counts=store.count_related(workspace_id, contact.id),
            by=by,
            context=context,
        )

    def prepare(self, apps: Apps) -> PreparedOperation[ContactId]:
        """Load the salt. The caller has checked the API key."""
        # Here and not in `decide`, which does no input or output.
        salt = apps.workspace_salt(self.workspace_id)
        # Both: only then can the decision see that a merge between them was undone.
        contact_ids = (self.contact_id, self.requested_id)
        query = SnapshotQuery(
            workspace_id=self.workspace_id, app_id=None, contacts=contact_ids, include_audit_head=True
        )
        return PreparedOperation(query=query, decide=lambda snapshot: self._decide(salt, snapshot))

    def _decide(self, salt: str, snapshot: Snapshot) -> Decision[ContactId]:
        """Erase the contact. Raises `NotFound` and `Conflicting` as `require_not_merged` does."""
        contact = require_not_merged(snapshot, self.contact_id)
        requested = snapshot.contacts.get(self.requested_id)
        # Otherwise the survivor would be erased for a person who is no longer part of it.
        if requested is None or (requested is not contact and requested.merged_into is None):
            raise Conflicting("this contact has been taken out of the other meanwhile; try again")
        context = self.context.at_least(contact.updated_at)
        # Absorbed contacts hold no identifiers of their own: the survivor has them all.
        digests = contact.identifier_digests()
        event_builder = EventBuilder(context, self.workspace_id, by=self.by)
        event_builder.add("contact.erased", contact.id, {"conversations": self.conversations})
        entry = next_audit_entry(
            snapshot,
            context,
            self.workspace_id,
            by=self.by,
            action="contact.erased",
            subject=contact.id,
            fate_of_conversations=self.conversations,
            # Counts only: the log outlives the person, and must not say who it was (P4).
            identifiers=len(digests),
            **asdict(self.related_counts),
        )
        return Decision(
            result=contact.id,
            change_set=ChangeSet(
                erasures=(Erasure(contact=contact, conversations=self.conversations, at=context.now, salt=salt),),
                # In the same transaction: in between, a page could make the person anew.
                tombstones=tuple(
                    Tombstone(digest=tombstone_digest(salt, digest), workspace_id=self.workspace_id, at=context.now)
                    for digest in digests
                ),
                audit_entries=(entry,),
                events=event_builder.events,
            ),
        )
