"""One contact absorbs another because somebody says so (G1, G4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hullo.errors import Conflicting
from hullo.model.audit import AuditEntry, next_entry
from hullo.model.change_set import ChangeSet, changed
from hullo.model.contact import Contact, ContactId
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Step, Trace
from hullo.model.merge import Extent, Merge
from hullo.model.moment import Moment
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.merging.combine import Clash, clashes
from hullo.pipeline.merging.joining import CONVERSATIONS_UNASKED, PEOPLE_UNASKED, Joining
from hullo.pipeline.survivors import unabsorbed
from hullo.pipeline.telling import Teller
from hullo.pipeline.work import Prepared
from hullo.store.protocol import Snapshot, SnapshotQuery

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed:
    """What a merge did, or would do."""

    merge: Merge
    survivor: Contact
    """As it is afterwards, with every app's custom data."""
    clashes: tuple[Clash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorb:
    """`absorbed_id` becomes part of `survivor_id`. To preview it, have the pipeline consider it.

    Both ids are those of somebody who was absorbed by nobody: `current_contact` finds them. `extent` is how much there
    is of the absorbed one; without it only people are counted. A merge of very many people or conversations is
    refused until it is `confirmed`.
    """

    survivor_id: ContactId
    absorbed_id: ContactId
    workspace_id: str
    writer: str
    moment: Moment
    request_id: str
    extent: Extent | None = None
    confirmed: bool = False
    rule: str = BY_HAND

    def prepare(self, apps: AppDirectory) -> Prepared[Absorbed]:  # noqa: ARG002 - no app is asked
        """Raises `Conflicting` for a merge of somebody with themselves (G4)."""
        if self.survivor_id == self.absorbed_id:
            raise Conflicting("these are one contact already")
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.survivor_id, self.absorbed_id),
            audited=True,
        )
        return Prepared(query=query, decide=self.decide)

    def decide(self, snapshot: Snapshot) -> Decision[Absorbed]:
        """Raises `NotFound`, and `Conflicting` where somebody was absorbed meanwhile, or a confirmation is wanted."""
        survivor, absorbed = (unabsorbed(snapshot, each) for each in (self.survivor_id, self.absorbed_id))
        moment = self.moment.not_before(max(survivor.updated_at, absorbed.updated_at))
        joining = Joining(
            merge_id=moment.new_id("mrg"),
            survivor=survivor,
            absorbed=absorbed,
            at=moment.now,
            by=self.writer,
            rule=self.rule,
        )
        self._refuse_unasked(joining)
        change = changed(survivor, joining.joined)
        clashing = tuple(clashes(survivor, absorbed))
        trace = self._trace(joining, clashing)
        teller = told_of(joining, Teller(moment, self.workspace_id, by=self.writer))
        return Decision(
            answer=Absorbed(merge=joining.merge.after, survivor=change.after, clashes=clashing),
            change_set=ChangeSet(
                contacts=(joining.emptied, change),
                merges=(joining.merge,),
                absorptions=(joining.absorption,),
                decisions=(teller.explained(survivor.id, self.request_id, trace),),
                audits=audits_of((joining,), snapshot),
                events=teller.events,
            ),
            explain=lambda: trace,
        )

    def _refuse_unasked(self, joining: Joining) -> None:
        if self.confirmed:
            return
        if joining.people > PEOPLE_UNASKED:
            raise Conflicting(
                f"this would make one of {joining.people} people, and more than {PEOPLE_UNASKED} are rarely one: "
                "look at the preview, and confirm the merge if it is meant"
            )
        if self.extent is not None and self.extent.conversations > CONVERSATIONS_UNASKED:
            raise Conflicting(
                f"this would move {self.extent.conversations} conversations, and more than {CONVERSATIONS_UNASKED} are "
                "rarely one person's: look at the preview, and confirm the merge if it is meant"
            )

    def _trace(self, joining: Joining, clashing: tuple[Clash, ...]) -> Trace:
        lost = {each.field for each in clashing}
        written = (
            FieldVerdict(field=field, verdict="written", reason=f"came with {joining.absorbed.id} (G1)")
            for field in joining.fields
        )
        kept = (
            FieldVerdict(
                field=field, verdict="kept", reason=f"{joining.absorbed.id} had another, of no higher standing"
            )
            for field in sorted(lost.difference(joining.fields))
        )
        step = Step(stage="merge", plugin=self.rule, answer=f"{joining.absorbed.id} becomes part of this contact")
        return Trace(steps=(step,), fields=(*written, *kept))


def told_of(joining: Joining, teller: Teller) -> Teller:
    """The teller, once it has told of this merge: by the names of what changed, as the values are another person's if
    it is ever undone, and of apps whose keys do not read each other's."""
    teller.tell("contact.merged", joining.survivor.id, {**_said_of(joining), "fields": list(joining.fields)})
    return teller


def audits_of(joinings: Iterable[Joining], snapshot: Snapshot) -> tuple[AuditEntry, ...]:
    """What the audit log says of these merges, one after the other."""
    head, entries = snapshot.audit_head, list[AuditEntry]()
    for joining in joinings:
        assert head is not None, "the query asks where the audit log ends"
        entry = next_entry(
            head,
            workspace_id=joining.survivor.workspace_id,
            at=joining.at,
            by=joining.by,
            action="contact.merged",
            subject=joining.survivor.id,
            data=_said_of(joining),
        )
        head = entry.head
        entries.append(entry)
    return tuple(entries)


def _said_of(joining: Joining) -> dict[str, object]:
    return {"merge_id": joining.merge_id, "absorbed_id": joining.absorbed.id, "rule": joining.rule}
