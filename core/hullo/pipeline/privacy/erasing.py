"""Everything about one person is removed, and what stays says only that it was done (P2)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from hullo.errors import Conflicting
from hullo.model.change_set import ChangeSet, Erasure
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.merge import Extent
from hullo.model.moment import Moment
from hullo.model.tombstone import Tombstone, tombstone_digest
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.survivors import current_contact, unabsorbed
from hullo.pipeline.telling import Teller, audited
from hullo.pipeline.work import Prepared
from hullo.store.protocol import ContactReads, Snapshot, SnapshotQuery

Fate = Literal["erase", "anonymise"]
"""Of conversations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """One contact, with everybody whom it absorbed.

    `contact_id` and `extent` are as `found` gives them: who answers to `asked_id` by now, and how much there is of
    them, as it is told in the audit log. The names leave tombstones: nobody is made anew of them without proof.
    """

    asked_id: ContactId
    contact_id: ContactId
    workspace_id: str
    conversations: Fate
    extent: Extent
    by: str
    """As in `Fact.by`."""
    moment: Moment

    @classmethod
    def found(
        cls,
        store: ContactReads,
        workspace_id: str,
        contact_id: ContactId,
        *,
        conversations: Fate,
        by: str,
        moment: Moment,
    ) -> Erase:
        """The work of erasing whoever answers to this id (G3). Raises `NotFound`."""
        contact = current_contact(store, workspace_id, contact_id)
        return cls(
            asked_id=contact_id,
            contact_id=contact.id,
            workspace_id=workspace_id,
            conversations=conversations,
            extent=store.extent_of(workspace_id, contact.id),
            by=by,
            moment=moment,
        )

    def prepare(self, apps: AppDirectory) -> Prepared[ContactId]:
        """Refuses nothing: the key was checked by whoever took the call."""
        salt = apps.salt_of(self.workspace_id)
        people = (self.contact_id, self.asked_id)
        query = SnapshotQuery(workspace_id=self.workspace_id, app_id=None, contacts=people, audited=True)
        return Prepared(query=query, decide=lambda snapshot: self._decide(salt, snapshot))

    def _decide(self, salt: str, snapshot: Snapshot) -> Decision[ContactId]:
        """Raises `NotFound` and `Conflicting`, as `unabsorbed` does."""
        contact = unabsorbed(snapshot, self.contact_id)
        asked = snapshot.contacts.get(self.asked_id)
        if asked is None or (asked is not contact and asked.merged_into is None):
            raise Conflicting("this contact has been taken out of the other meanwhile; try again")
        moment = self.moment.not_before(contact.updated_at)
        names = contact.digests()
        teller = Teller(moment, self.workspace_id, by=self.by)
        teller.tell("contact.erased", contact.id, {"conversations": self.conversations})
        entry = audited(
            snapshot,
            moment,
            self.workspace_id,
            by=self.by,
            action="contact.erased",
            subject=contact.id,
            fate_of_conversations=self.conversations,
            identifiers=len(names),
            **asdict(self.extent),
        )
        return Decision(
            answer=contact.id,
            change_set=ChangeSet(
                erasures=(Erasure(contact=contact, conversations=self.conversations, at=moment.now),),
                tombstones=tuple(
                    Tombstone(digest=tombstone_digest(salt, digest), workspace_id=self.workspace_id, at=moment.now)
                    for digest in names
                ),
                audits=(entry,),
                events=teller.events,
            ),
        )
