"""The writes that undo one merge (G2, J)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from hullo.model.change_set import Change, ChangeSet, Split, replacement
from hullo.model.contact import Contact
from hullo.model.decision_record import FieldVerdict, Step, Trace
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.merging.combine import clear_absorbed, list_field_changes
from hullo.rules.merging.joins import joins_of, without_join
from hullo.rules.merging.split import SplitResult, split_contacts, without_merge
from hullo.value import Value


class MergeUndo(Value):
    """Both contacts after the undo, and the writes for it."""

    split: SplitResult
    changes: ChangeSet
    trace: Trace


def undo_merge(
    merge: Merge,
    survivor: Contact,
    absorbed: Contact,
    snapshot: Snapshot,
    context: RequestContext,
    *,
    by: str,
    request_id: str,
    plugin: str,
    answer: str,
    returning: Collection[Instant] = (),
) -> MergeUndo:
    """Undo a merge. `survivor` has its values now, which is another contact than the merge names after a chain;
    `absorbed` is the cleared contact. The trace says `answer` in the name of `plugin`.

    What was written at the times of `returning` goes to the restored contact. The snapshot holds the owners of the
    record's identifiers, the survivor's active merges, and the audit head.
    """
    others = other_merges(snapshot, survivor, merge)
    split = split_contacts(
        survivor, absorbed, merge, others, snapshot.contact_ids, snapshot.merges, context.now, returning
    )
    undo_change = replacement(
        merge,
        replace(
            merge,
            # P2: an image left here would survive the erasure of the other contact.
            survivor_before=_drop_snapshot(merge.survivor_before),
            absorbed_before=_drop_snapshot(merge.absorbed_before),
            undone_at=context.now,
            undone_by=by,
        ),
    )
    event_builder = EventBuilder(context, merge.workspace_id, by=by)
    fields = [change.field for change in list_field_changes(survivor, split.survivor)]
    data = {"merge_id": merge.id, "survivor_id": survivor.id, "restored_id": absorbed.id}
    event_builder.add("contact.unmerged", survivor.id, {**data, "fields": fields})
    # One for each: both timelines say it, and webhooks are in order per contact (R4).
    event_builder.add("contact.unmerged", absorbed.id, data)
    trace = Trace(
        steps=(Step(stage="unmerge", plugin=plugin, answer=answer),),
        fields=tuple(
            FieldVerdict(field=field.field, verdict="kept", reason=field.reason) for field in split.changed_since
        ),
    )
    changes = ChangeSet(
        # Stores free the survivor's identifiers before they add them to the restored contact.
        contacts=(replacement(survivor, split.survivor), replacement(absorbed, split.restored)),
        # Ids sort by time: only later merges have images that hold these values.
        merges=(undo_change, *(_without_merge_change(other, merge, others) for other in others if other.id > merge.id)),
        decisions=tuple(
            event_builder.decision_record(contact.id, request_id, trace, ordinal)
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
                is_joined=merge.joined_by is not None,
            ),
        ),
        audit_entries=(
            next_audit_entry(
                snapshot,
                context,
                merge.workspace_id,
                by=by,
                action="contact.unmerged",
                subject=survivor.id,
                merge_id=merge.id,
                restored_id=absorbed.id,
            ),
        ),
        events=event_builder.events,
    )
    return MergeUndo(split=split, changes=changes, trace=trace)


def other_merges(snapshot: Snapshot, survivor: Contact, merge: Merge) -> list[Merge]:
    """List the survivor's other merges that stand, in order."""
    return [
        other
        for other in snapshot.merges.values()
        if other.is_active and other.survivor_id == survivor.id and other.id != merge.id
    ]


def _drop_snapshot(image: Contact) -> Contact:
    """Clear the image of an undone merge: it is not needed, and either contact may be erased without the other (P2)."""
    return clear_absorbed(image, survivor=None, at=image.updated_at)


def _without_merge_change(later: Merge, merge: Merge, others: Sequence[Merge]) -> Change[Merge]:
    """Remove this merge from the images of a later one into the same contact, which would bring its values back when
    undone."""
    earlier = [other for other in others if other.id < later.id]
    absorbed = later.absorbed_before
    # A contact that had a record joined to it was absorbed, and its image shows that record (J).
    if merge.id in joins_of(absorbed):
        return replacement(later, replace(later, absorbed_before=without_join(absorbed, merge)))
    return replacement(later, replace(later, survivor_before=without_merge(later.survivor_before, merge, earlier)))
