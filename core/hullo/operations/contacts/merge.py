"""One contact absorbs another because somebody says so (G1, G4)."""

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
    """What a merge did, or would do."""

    merge: Merge
    survivor: Contact
    """As it is afterwards, with every app's custom data."""
    clashes: tuple[Clash, ...]


class MergeContacts(Value):
    """`absorbed_id` becomes part of `survivor_id`. To preview it, have the pipeline consider it.

    Both ids are those of somebody who was absorbed by nobody: `current_contact` finds them. `extent` is how much there
    is of the absorbed one; without it only people are counted. A merge of very many people or conversations is
    refused until it is `confirmed`.
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

    def prepare(self, apps: Apps) -> PreparedOperation[MergeResult]:  # noqa: ARG002 - no app is asked
        """Raises `Conflicting` for a merge of somebody with themselves (G4)."""
        if self.survivor_id == self.absorbed_id:
            raise Conflicting("these are one contact already")
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.survivor_id, self.absorbed_id),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self.decide)

    def decide(self, snapshot: Snapshot) -> Decision[MergeResult]:
        """Raises `NotFound`, and `Conflicting` where somebody was absorbed meanwhile, or a confirmation is wanted."""
        survivor, absorbed = (require_not_merged(snapshot, each) for each in (self.survivor_id, self.absorbed_id))
        moment = self.context.at_least(max(survivor.updated_at, absorbed.updated_at))
        joining = MergePlanResult(
            merge_id=moment.new_id("mrg"),
            survivor=survivor,
            absorbed=absorbed,
            at=moment.now,
            by=self.writer,
            rule=self.rule,
        )
        self._require_confirmation(joining)
        change = replacement(survivor, joining.merged_survivor)
        clashing = tuple(find_clashes(survivor, absorbed))
        trace = self._build_trace(joining, clashing)
        teller = add_merge_event(joining, EventBuilder(moment, self.workspace_id, by=self.writer))
        return Decision(
            result=MergeResult(merge=joining.merge_change.after, survivor=change.after, clashes=clashing),
            change_set=ChangeSet(
                contacts=(joining.absorbed_change, change),
                merges=(joining.merge_change,),
                absorptions=(joining.absorption,),
                decisions=(teller.decision_record(survivor.id, self.request_id, trace),),
                audit_entries=merge_audit_entries((joining,), snapshot),
                events=teller.events,
            ),
            build_trace=lambda: trace,
        )

    def _require_confirmation(self, joining: MergePlanResult) -> None:
        if self.confirmed:
            return
        if joining.contact_count > MAX_UNCONFIRMED_CONTACTS:
            raise Conflicting(
                f"this would make one of {joining.contact_count} people, and more than {MAX_UNCONFIRMED_CONTACTS} "
                "are rarely one: "
                "look at the preview, and confirm the merge if it is meant"
            )
        if self.related_counts is not None and self.related_counts.conversations > MAX_UNCONFIRMED_CONVERSATIONS:
            raise Conflicting(
                f"this would move {self.related_counts.conversations} conversations, and more than "
                f"{MAX_UNCONFIRMED_CONVERSATIONS} are "
                "rarely one person's: look at the preview, and confirm the merge if it is meant"
            )

    def _build_trace(self, merge_plan: MergePlanResult, clashing: tuple[Clash, ...]) -> Trace:
        lost = {each.field for each in clashing}
        written = (
            FieldVerdict(field=field, verdict="written", reason=f"came with {merge_plan.absorbed.id} (G1)")
            for field in merge_plan.changed_fields
        )
        kept = (
            FieldVerdict(
                field=field, verdict="kept", reason=f"{merge_plan.absorbed.id} had another, of no higher standing"
            )
            for field in sorted(lost.difference(merge_plan.changed_fields))
        )
        step = Step(stage="merge", plugin=self.rule, answer=f"{merge_plan.absorbed.id} becomes part of this contact")
        return Trace(steps=(step,), fields=(*written, *kept))
