"""Merge of two contacts on request (G1, G4)."""

from __future__ import annotations

from hullo.errors import Conflicting
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Step, Trace
from hullo.model.merge import Merge, RelatedCounts
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.rules.events import EventBuilder
from hullo.rules.merging.combine import Clash, find_clashes
from hullo.rules.merging.plan import MAX_UNCONFIRMED_CONTACTS, MAX_UNCONFIRMED_CONVERSATIONS, MergePlanResult
from hullo.rules.merging.records import add_merge_event, merge_audit_entries
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value

MANUAL_RULE = "by hand"


class MergeResult(Value):
    """Result of a merge, or of its preview."""

    merge: Merge
    survivor: Contact
    """The survivor after the merge, with every app's custom data."""
    clashes: tuple[Clash, ...]


class MergeContacts(Value):
    """Merge `absorbed_id` into `survivor_id`. For a preview, use the engine's dry run.

    Neither contact may have been absorbed: `current_contact` finds the right ids. `related_counts` counts the absorbed
    one's records; without it only contacts are counted. A merge of very many contacts or conversations needs
    `confirmed`.
    """

    survivor_id: ContactId
    absorbed_id: ContactId
    workspace_id: str
    writer: str
    context: RequestContext
    request_id: str
    related_counts: RelatedCounts | None = None
    confirmed: bool = False
    rule: str = MANUAL_RULE

    def prepare(self, apps: Apps) -> PreparedOperation[MergeResult]:  # noqa: ARG002 - needs no app
        """Check the ids. Raises `Conflicting` for a merge of a contact with itself (G4)."""
        # G4; also when an id was that of a contact which the other has absorbed already.
        if self.survivor_id == self.absorbed_id:
            raise Conflicting("these are one contact already")
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            # The custom data of every app: a merge must not drop what another app stored (G1).
            app_id=None,
            contacts=(self.survivor_id, self.absorbed_id),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self.decide)

    def decide(self, snapshot: Snapshot) -> Decision[MergeResult]:
        """Merge the two. Raises `NotFound`, and `Conflicting` where one was absorbed meanwhile, or a confirmation is
        missing."""
        survivor, absorbed = (
            require_not_merged(snapshot, contact_id) for contact_id in (self.survivor_id, self.absorbed_id)
        )
        # Clocks of processes differ: the merge must sort after the last change of both.
        context = self.context.at_least(max(survivor.updated_at, absorbed.updated_at))
        merge_plan = MergePlanResult(
            merge_id=context.new_id("mrg"),
            survivor=survivor,
            absorbed=absorbed,
            at=context.now,
            by=self.writer,
            rule=self.rule,
        )
        # After the load: only the contacts say how many they have absorbed.
        self._require_confirmation(merge_plan)
        change = replacement(survivor, merge_plan.merged_survivor)
        clashes = tuple(find_clashes(survivor, absorbed))
        trace = self._build_trace(merge_plan, clashes)
        event_builder = add_merge_event(merge_plan, EventBuilder(context, self.workspace_id, by=self.writer))
        return Decision(
            result=MergeResult(merge=merge_plan.merge_change.after, survivor=change.after, clashes=clashes),
            change_set=ChangeSet(
                # Stores free identifiers before they add any, so both writes fit in one change set.
                contacts=(merge_plan.absorbed_change, change),
                merges=(merge_plan.merge_change,),
                absorptions=(merge_plan.absorption,),
                decisions=(event_builder.decision_record(survivor.id, self.request_id, trace),),
                audit_entries=merge_audit_entries((merge_plan,), snapshot),
                events=event_builder.events,
            ),
            build_trace=lambda: trace,
        )

    def _require_confirmation(self, merge_plan: MergePlanResult) -> None:
        # A slip in a script can merge a whole list into one contact; the preview shows it before.
        if self.confirmed:
            return
        if merge_plan.contact_count > MAX_UNCONFIRMED_CONTACTS:
            raise Conflicting(
                f"this would make one of {merge_plan.contact_count} people, and more than {MAX_UNCONFIRMED_CONTACTS} "
                "are rarely one: "
                "look at the preview, and confirm the merge if it is meant"
            )
        if self.related_counts is not None and self.related_counts.conversations > MAX_UNCONFIRMED_CONVERSATIONS:
            raise Conflicting(
                f"this would move {self.related_counts.conversations} conversations, and more than "
                f"{MAX_UNCONFIRMED_CONVERSATIONS} are "
                "rarely one person's: look at the preview, and confirm the merge if it is meant"
            )

    def _build_trace(self, merge_plan: MergePlanResult, clashes: tuple[Clash, ...]) -> Trace:
        clash_fields = {clash.field for clash in clashes}
        written = (
            FieldVerdict(field=field, verdict="written", reason=f"came with {merge_plan.absorbed.id} (G1)")
            for field in merge_plan.changed_fields
        )
        kept = (
            FieldVerdict(
                field=field, verdict="kept", reason=f"{merge_plan.absorbed.id} had another, of no higher standing"
            )
            # A clash that the absorbed one won is told as written; sorted, as sets have no order.
            for field in sorted(clash_fields.difference(merge_plan.changed_fields))
        )
        step = Step(stage="merge", plugin=self.rule, answer=f"{merge_plan.absorbed.id} becomes part of this contact")
        return Trace(steps=(step,), fields=(*written, *kept))
