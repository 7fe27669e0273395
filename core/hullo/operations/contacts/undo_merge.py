"""Undo of a merge, at any later time (G2)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.errors import Conflicting, NotFound
from hullo.model.change_set import Change, ChangeSet, Split, replacement
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Step, Trace
from hullo.model.merge import Merge
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.operations.contacts.merge import MANUAL_RULE
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.merging.combine import clear_absorbed, list_field_changes
from hullo.rules.merging.split import ChangedField, split_contacts, without_merge
from hullo.value import Value


class UndoMergeResult(Value):
    """The two contacts after the undo."""

    merge: Merge
    survivor: Contact
    restored: Contact
    changed_since: tuple[ChangedField, ...]


class UndoMerge(Value):
    """Undo of `merge`, as read a moment ago: its images name the identifiers to look up.

    Several merges into one contact can be undone in any order. In a chain only the last one can be: a survivor that was
    itself absorbed has no data to give back.
    """

    merge: Merge
    writer: str
    context: RequestContext
    request_id: str

    def prepare(self, apps: Apps) -> PreparedOperation[UndoMergeResult]:  # noqa: ARG002 - needs no app
        """Build the query."""
        merge = self.merge
        query = SnapshotQuery(
            workspace_id=merge.workspace_id,
            app_id=None,
            contacts=(merge.survivor_id, merge.absorbed_id),
            # Who has them today decides which ones can go back (G2).
            identifiers=tuple(merge.absorbed_before.identifier_digests()),
            merges=(merge.id,),
            # Other merges fill the places that become free.
            merged_into=(merge.survivor_id,),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[UndoMergeResult]:
        """Split the two. Raises `NotFound` for a merge of erased contacts, and `Conflicting` for a merge that was
        undone, or is not the last of its chain."""
        # The stored merge, not the one that was read before: it may have been undone since.
        merge = snapshot.merges.get(self.merge.id)
        survivor, absorbed = (
            snapshot.contacts.get(contact_id) for contact_id in (self.merge.survivor_id, self.merge.absorbed_id)
        )
        # P2: an erasure removed the images, so there is nothing to restore.
        if merge is None or survivor is None or absorbed is None:
            raise NotFound("no such merge")
        if not merge.is_active:
            raise Conflicting("this merge has been undone already")
        if survivor.merged_into is not None:
            raise Conflicting(
                f"{survivor.id} has itself become part of {survivor.merged_into} since: undo that merge first"
            )
        others = [
            other
            for other in snapshot.merges.values()
            if other.is_active and other.survivor_id == survivor.id and other.id != merge.id
        ]
        # Clocks of processes differ: the undo must sort after the last change of both.
        context = self.context.at_least(max(survivor.updated_at, absorbed.updated_at))
        split = split_contacts(survivor, absorbed, merge, others, snapshot.contact_ids, context.now)
        undo_change = replacement(
            merge,
            replace(
                merge,
                # P2: an image left here would survive the erasure of the other contact.
                survivor_before=_drop_snapshot(merge.survivor_before),
                absorbed_before=_drop_snapshot(merge.absorbed_before),
                undone_at=context.now,
                undone_by=self.writer,
            ),
        )
        event_builder = EventBuilder(context, merge.workspace_id, by=self.writer)
        fields = [change.field for change in list_field_changes(survivor, split.survivor)]
        data = {"merge_id": merge.id, "survivor_id": survivor.id, "restored_id": absorbed.id}
        event_builder.add("contact.unmerged", survivor.id, {**data, "fields": fields})
        # One for each: both timelines say it, and webhooks are in order per contact (R4).
        event_builder.add("contact.unmerged", absorbed.id, data)
        # Stores free the survivor's identifiers before they add them to the restored contact.
        contacts = replacement(survivor, split.survivor), replacement(absorbed, split.restored)
        trace = Trace(
            steps=(
                Step(stage="unmerge", plugin=MANUAL_RULE, answer=f"{absorbed.id} is no part of {survivor.id} now (G2)"),
            ),
            fields=tuple(
                FieldVerdict(field=field.field, verdict="kept", reason=field.reason) for field in split.changed_since
            ),
        )
        return Decision(
            result=UndoMergeResult(
                merge=undo_change.after,
                survivor=contacts[0].after,
                restored=contacts[1].after,
                changed_since=split.changed_since,
            ),
            change_set=ChangeSet(
                contacts=contacts,
                merges=(
                    undo_change,
                    # Ids sort by time: only later merges have images that hold these values.
                    *(_without_merge_change(other, merge, others) for other in others if other.id > merge.id),
                ),
                decisions=tuple(
                    event_builder.decision_record(contact.id, self.request_id, trace, ordinal)
                    for ordinal, contact in enumerate((survivor, absorbed))
                ),
                splits=(
                    Split(
                        merge_id=merge.id,
                        survivor_id=survivor.id,
                        absorbed_id=absorbed.id,
                        since=merge.at,
                        # Sessions that prove one of them go back with the contact (G2).
                        restored_identifiers=tuple(split.restored.identifier_digests()),
                    ),
                ),
                audit_entries=(
                    next_audit_entry(
                        snapshot,
                        context,
                        merge.workspace_id,
                        by=self.writer,
                        action="contact.unmerged",
                        subject=survivor.id,
                        merge_id=merge.id,
                        restored_id=absorbed.id,
                    ),
                ),
                events=event_builder.events,
            ),
            build_trace=lambda: trace,
        )


def _drop_snapshot(image: Contact) -> Contact:
    """Clear the image of an undone merge: it is not needed, and either contact may be erased without the other (P2)."""
    return clear_absorbed(image, survivor=None, at=image.updated_at)


def _without_merge_change(later: Merge, merge: Merge, others: list[Merge]) -> Change[Merge]:
    """Remove this merge from the image of a later one into the same contact, which would bring its values back when
    undone."""
    earlier = [other for other in others if other.id < later.id]
    return replacement(later, replace(later, survivor_before=without_merge(later.survivor_before, merge, earlier)))
