"""Joins on a claim that a call confirms or undoes (J), with the state that the call is decided on afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import field
from msgspec.structs import replace

from hullo.model.change_set import NO_CHANGES, Change, ChangeSet, JoinConfirmation, replacement
from hullo.model.contact import Contact, ContactId
from hullo.model.decision_record import Step, Trace
from hullo.model.merge import Merge, MergeId
from hullo.model.operation import NeedsFullContacts
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.merging.combine import list_field_changes
from hullo.rules.merging.joins import confirm_join
from hullo.rules.merging.undo import other_merges, undo_merge
from hullo.value import Value

JOIN_RULE: Final = "J"


class SettledJoins(Value):
    """The joins that were settled so far. `snapshot` and `context` are those to decide with: what is decided comes
    after the joins."""

    snapshot: Snapshot
    context: RequestContext
    by: str
    request_id: str
    stored: Mapping[ContactId, Contact] = field(default_factory=dict[ContactId, Contact])
    """The contacts that a join changed, as they were loaded."""
    changes: ChangeSet = NO_CHANGES
    """The writes for the joins, without those of `stored`."""

    def confirmed(self, holder: Contact, merge: Merge) -> SettledJoins:
        """Make the join an ordinary merge: the values of the record regain their standing."""
        context = self.context.at_least(holder.updated_at)
        after = confirm_join(holder, merge, other_merges(self.snapshot, holder, merge), context.now)
        event_builder = EventBuilder(context, merge.workspace_id, by=self.by)
        fields = [change.field for change in list_field_changes(holder, after)]
        data = {"merge_id": merge.id, "fields": fields, "joined": False}
        event_builder.add("contact.updated", holder.id, data)
        answer = f"{merge.absorbed_id} is this person: the email that joined the two is proven (J)"
        trace = Trace(steps=(Step(stage="merge", plugin=JOIN_RULE, answer=answer),))
        entry = next_audit_entry(
            self.snapshot,
            context,
            merge.workspace_id,
            by=self.by,
            action="contact.join_confirmed",
            subject=holder.id,
            merge_id=merge.id,
            absorbed_id=merge.absorbed_id,
        )
        changes = ChangeSet(
            merges=(replacement(merge, replace(merge, joined_by=None)),),
            join_confirmations=(JoinConfirmation(merge_id=merge.id, survivor_id=holder.id),),
            decisions=(event_builder.decision_record(holder.id, self.request_id, trace),),
            audit_entries=(entry,),
            events=event_builder.events,
        )
        return self._with(changes, context, {holder.id: holder}, {holder.id: after})

    def undone(self, holder: Contact, merge: Merge) -> SettledJoins:
        """Undo the join: the record is a contact of its own again, with all that the site wrote about it."""
        record = self.snapshot.contacts[merge.absorbed_id]
        context = self.context.at_least(max(holder.updated_at, record.updated_at))
        undo = undo_merge(
            merge,
            holder,
            record,
            self.snapshot,
            context,
            by=self.by,
            request_id=self.request_id,
            plugin=JOIN_RULE,
            answer=f"{record.id} is no part of {holder.id}: the email that joined the two is another's (J)",
        )
        before = {holder.id: holder, record.id: record}
        after = {holder.id: undo.split.survivor, record.id: undo.split.restored}
        return self._with(replace(undo.changes, contacts=()), context, before, after)

    def settle(self, changes: ChangeSet) -> ChangeSet:
        """Put the joins before what was decided after them, in one change set."""
        if not self.stored:
            return changes
        decided = {change.after.id: change for change in changes.contacts}
        contacts: list[Change[Contact]] = []
        for contact_id, stored in self.stored.items():
            change = decided.pop(contact_id, None)
            # Both writes are one: the store compares with what is stored, and counts one version.
            after = change.after if change is not None else self.snapshot.contacts[contact_id]
            contacts.append(replacement(stored, after))
        return replace(
            changes,
            contacts=(*contacts, *decided.values()),
            merges=(*self.changes.merges, *changes.merges),
            splits=(*self.changes.splits, *changes.splits),
            join_confirmations=(*self.changes.join_confirmations, *changes.join_confirmations),
            decisions=(*self.changes.decisions, *changes.decisions),
            audit_entries=(*self.changes.audit_entries, *changes.audit_entries),
            events=(*self.changes.events, *changes.events),
        )

    def _with(
        self,
        changes: ChangeSet,
        context: RequestContext,
        before: Mapping[ContactId, Contact],
        after: Mapping[ContactId, Contact],
    ) -> SettledJoins:
        snapshot = self.snapshot
        merges = {**snapshot.merges, **{change.after.id: change.after for change in changes.merges}}
        # Only additions: who lost an identifier in an undo lost it to the record.
        contact_ids = {**snapshot.contact_ids}
        for contact in after.values():
            contact_ids.update(dict.fromkeys(contact.identifier_digests(), contact.id))
        known = {change.after.id: change for change in self.changes.merges}
        added = tuple(
            # A second join may change the image of a merge that the first one changed: one row, one write.
            Change(known.pop(change.after.id).before, change.after) if change.after.id in known else change
            for change in changes.merges
        )
        everything = replace(
            changes,
            merges=(*known.values(), *added),
            splits=(*self.changes.splits, *changes.splits),
            join_confirmations=(*self.changes.join_confirmations, *changes.join_confirmations),
            decisions=(*self.changes.decisions, *changes.decisions),
            audit_entries=(*self.changes.audit_entries, *changes.audit_entries),
            events=(*self.changes.events, *changes.events),
        )
        return replace(
            self,
            snapshot=replace(
                snapshot,
                contacts={**snapshot.contacts, **after},
                contact_ids=contact_ids,
                merges=merges,
                audit_head=changes.audit_entries[-1].head,
            ),
            # Strictly later: ids of one call at two instants differ, and events of one contact have one order.
            context=context.at_least(context.now),
            stored={**before, **self.stored},
            changes=everything,
        )


def active_join(merge_id: MergeId, holder: Contact, snapshot: Snapshot) -> Merge:
    """Return the join that the holder shows. Raises `NeedsFullContacts` where it is not loaded, and all it takes to
    settle it."""
    merge = snapshot.merges.get(merge_id)
    if merge is None or snapshot.audit_head is None:
        raise NeedsFullContacts(merges=(merge_id,), merged_into=(holder.id,))
    require_loaded(merge, snapshot)
    return merge


def require_loaded(merge: Merge, snapshot: Snapshot) -> None:
    """Raise `NeedsFullContacts` unless the snapshot holds the record, and the owners of its identifiers."""
    if merge.absorbed_id not in snapshot.contacts:
        raise NeedsFullContacts(
            contacts=(merge.absorbed_id,), identifiers=merge.absorbed_before.identifier_digests().keys()
        )
