"""A merge is taken back, however long ago it was (G2)."""

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
    """The two, as they are afterwards."""

    merge: Merge
    survivor: Contact
    restored: Contact
    changed_since: tuple[ChangedField, ...]


class UndoMerge(Value):
    """`merge` is taken back. It is as it was read a moment ago: what it holds says what has to be looked up.

    Of several merges into one contact any may go first. Of a chain, the last: while the survivor is itself part of
    another contact, there is nobody to take anything from.
    """

    merge: Merge
    writer: str
    context: RequestContext
    request_id: str

    def prepare(self, apps: Apps) -> PreparedOperation[UndoMergeResult]:  # noqa: ARG002 - no app is asked
        """Refuses nothing yet."""
        merge = self.merge
        query = SnapshotQuery(
            workspace_id=merge.workspace_id,
            app_id=None,
            contacts=(merge.survivor_id, merge.absorbed_id),
            identifiers=tuple(merge.absorbed_before.identifier_digests()),
            merges=(merge.id,),
            merged_into=(merge.survivor_id,),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[UndoMergeResult]:
        """Raises `NotFound` for a merge of people who were erased, and `Conflicting` for one that was undone, or is
        not the last of its chain."""
        merge = snapshot.merges.get(self.merge.id)
        survivor, absorbed = (snapshot.contacts.get(each) for each in (self.merge.survivor_id, self.merge.absorbed_id))
        if merge is None or survivor is None or absorbed is None:
            raise NotFound("no such merge")
        if not merge.is_active:
            raise Conflicting("this merge has been undone already")
        if survivor.merged_into is not None:
            raise Conflicting(
                f"{survivor.id} has itself become part of {survivor.merged_into} since: undo that merge first"
            )
        others = [
            each
            for each in snapshot.merges.values()
            if each.is_active and each.survivor_id == survivor.id and each.id != merge.id
        ]
        moment = self.context.at_least(max(survivor.updated_at, absorbed.updated_at))
        apart = split_contacts(survivor, absorbed, merge, others, snapshot.contact_ids, moment.now)
        undone = replacement(
            merge,
            replace(
                merge,
                survivor_before=_drop_snapshot(merge.survivor_before),
                absorbed_before=_drop_snapshot(merge.absorbed_before),
                undone_at=moment.now,
                undone_by=self.writer,
            ),
        )
        teller = EventBuilder(moment, merge.workspace_id, by=self.writer)
        fields = [change.field for change in list_field_changes(survivor, apart.survivor)]
        data = {"merge_id": merge.id, "survivor_id": survivor.id, "restored_id": absorbed.id}
        teller.add("contact.unmerged", survivor.id, {**data, "fields": fields})
        teller.add("contact.unmerged", absorbed.id, data)
        contacts = replacement(survivor, apart.survivor), replacement(absorbed, apart.restored)
        trace = Trace(
            steps=(
                Step(stage="unmerge", plugin=MANUAL_RULE, answer=f"{absorbed.id} is no part of {survivor.id} now (G2)"),
            ),
            fields=tuple(
                FieldVerdict(field=each.field, verdict="kept", reason=each.reason) for each in apart.changed_since
            ),
        )
        return Decision(
            result=UndoMergeResult(
                merge=undone.after,
                survivor=contacts[0].after,
                restored=contacts[1].after,
                changed_since=apart.changed_since,
            ),
            change_set=ChangeSet(
                contacts=contacts,
                merges=(undone, *(_without_merge_change(each, merge, others) for each in others if each.id > merge.id)),
                decisions=tuple(
                    teller.decision_record(each.id, self.request_id, trace, ordinal)
                    for ordinal, each in enumerate((survivor, absorbed))
                ),
                splits=(
                    Split(
                        merge_id=merge.id,
                        survivor_id=survivor.id,
                        absorbed_id=absorbed.id,
                        since=merge.at,
                        restored_identifiers=tuple(apart.restored.identifier_digests()),
                    ),
                ),
                audit_entries=(
                    next_audit_entry(
                        snapshot,
                        moment,
                        merge.workspace_id,
                        by=self.writer,
                        action="contact.unmerged",
                        subject=survivor.id,
                        merge_id=merge.id,
                        restored_id=absorbed.id,
                    ),
                ),
                events=teller.events,
            ),
            build_trace=lambda: trace,
        )


def _drop_snapshot(image: Contact) -> Contact:
    """An image of an undone merge, which nobody needs any more: each of the two may be erased without the other."""
    return clear_absorbed(image, survivor=None, at=image.updated_at)


def _without_merge_change(later: Merge, merge: Merge, others: list[Merge]) -> Change[Merge]:
    """A later merge into the same contact, whose image of it held what goes now: undone in its turn, it would bring it
    back."""
    earlier = [each for each in others if each.id < later.id]
    return replacement(later, replace(later, survivor_before=without_merge(later.survivor_before, merge, earlier)))
