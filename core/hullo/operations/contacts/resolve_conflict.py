"""Resolution of a conflict by an agent (C7)."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.errors import Conflicting, Invalid, NotFound
from hullo.model.change_set import Change, ChangeSet, replacement
from hullo.model.conflict import Conflict, ConflictResolution
from hullo.model.contact import Contact, ContactId, identifier_of
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL
from hullo.model.merge import Merge, MergeId, RelatedCounts
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.operations.contacts.merge import MergeContacts, MergeResult
from hullo.rules.events import EventBuilder, next_audit_entry
from hullo.rules.identifiers import identifier_facts, with_identifiers, without_identifiers
from hullo.rules.merging.settled_joins import SettledJoins, active_join
from hullo.rules.merging.survivors import require_not_merged
from hullo.value import Value


class ResolvedConflict(Value):
    """The resolved conflict. `merge_result` is set when it was resolved by a merge."""

    conflict: Conflict
    merge_result: MergeResult | None = None


class ResolveConflict(Value):
    """Resolution of a conflict. `merge`: `contact_id` absorbs `other_id`. `keep`: they stay two. `move_email`: the
    email moves to `contact_id`.

    The ids are the current contacts of the pair, by `current_contact`. A resolved conflict cannot be resolved again, in
    the same way or another; undo the merge, or update the contacts, instead.
    """

    conflict_id: str
    contact_id: ContactId
    other_id: ContactId
    action: ConflictResolution
    workspace_id: str
    writer: str
    context: RequestContext
    request_id: str
    related_counts: RelatedCounts | None = None
    confirmed: bool = False

    def prepare(self, apps: Apps) -> PreparedOperation[ResolvedConflict]:  # noqa: ARG002 - needs no app
        """Build the query."""
        query = SnapshotQuery(
            workspace_id=self.workspace_id,
            app_id=None,
            contacts=(self.contact_id, self.other_id),
            conflicts=(self.conflict_id,),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[ResolvedConflict]:
        """Resolve it. Raises `NotFound`, `Conflicting` for a conflict that is resolved or no longer true, and `Invalid`
        for `move_email` on a conflict about another field."""
        conflict = snapshot.conflicts.get(self.conflict_id)
        if conflict is None:
            raise NotFound("no such conflict")
        # Two agents may look at one conflict: the second must see that it was decided.
        if conflict.status == "resolved":
            raise Conflicting(f"this conflict was resolved already, by {conflict.resolution}")
        contact, other = (require_not_merged(snapshot, contact_id) for contact_id in (self.contact_id, self.other_id))
        # Clocks of processes differ: the resolution must sort after the last change of both.
        context = self.context.at_least(max(contact.updated_at, other.updated_at))
        resolution_change = replacement(
            conflict,
            replace(
                conflict,
                status="resolved",
                resolution=self.action,
                resolved_at=context.now,
                resolved_by=self.writer,
            ),
        )
        # Merged by another way meanwhile: the pair is one contact already, and only the conflict is closed.
        if self.action == "merge" and contact.id != other.id:
            return self._resolve_by_merge(resolution_change, snapshot)
        if self.action == "move_email" and (merge_id := _joined_by(conflict, other)) is not None:
            return self._move_record(active_join(merge_id, other, snapshot), resolution_change, snapshot)
        changes = self._move_email(conflict, contact, other, context) if self.action == "move_email" else ChangeSet()
        # A merge writes its own entry, so only the other resolutions get one here.
        entry = next_audit_entry(
            snapshot,
            context,
            self.workspace_id,
            by=self.writer,
            action="conflict.resolved",
            subject=conflict.id,
            resolution=self.action,
        )
        return Decision(
            result=ResolvedConflict(conflict=resolution_change.after),
            change_set=replace(changes, conflicts=(resolution_change,), audit_entries=(entry,)),
        )

    def _move_record(
        self, merge: Merge, resolution_change: Change[Conflict], snapshot: Snapshot
    ) -> Decision[ResolvedConflict]:
        """Move an email by which a record is joined: the record goes along with it (J)."""
        settled = SettledJoins(snapshot=snapshot, context=self.context, by=self.writer, request_id=self.request_id)
        # First undone, then merged: the record goes to a person of the agent's choice, with its own standings.
        settled = settled.undone(snapshot.contacts[self.other_id], merge)
        work = replace(self, other_id=merge.absorbed_id, context=settled.context)
        decision = work._resolve_by_merge(resolution_change, settled.snapshot)
        return replace(decision, change_set=settled.settle(decision.change_set))

    def _resolve_by_merge(self, resolution_change: Change[Conflict], snapshot: Snapshot) -> Decision[ResolvedConflict]:
        merge_decision = MergeContacts(
            survivor_id=self.contact_id,
            absorbed_id=self.other_id,
            workspace_id=self.workspace_id,
            writer=self.writer,
            context=self.context,
            request_id=self.request_id,
            related_counts=self.related_counts,
            confirmed=self.confirmed,
            rule=f"conflict {self.conflict_id}",
        ).decide(snapshot)
        return Decision(
            result=ResolvedConflict(conflict=resolution_change.after, merge_result=merge_decision.result),
            # In one transaction: a merged pair with an open conflict would be shown for review again.
            change_set=replace(merge_decision.change_set, conflicts=(resolution_change,)),
            build_trace=merge_decision.build_trace,
        )

    def _move_email(self, conflict: Conflict, contact: Contact, other: Contact, context: RequestContext) -> ChangeSet:
        if conflict.field != EMAIL:
            raise Invalid(f"this conflict is about {conflict.field}, and no email: merge the two, or keep them apart")
        disputed = _disputed_email(conflict, other)
        # The email may have moved, or the pair may be one, since the agent looked.
        if disputed is None or contact.id == other.id:
            raise Conflicting("the other has this email no more: keep them as they are, or merge them")
        # An agent's word is proven, also for an email that was only claimed.
        fact = Fact(disputed.value, Standing.PROVEN, context.now, self.writer)
        losing = without_identifiers(other, [identifier_of(EMAIL, disputed)], context.now)
        # The previous primary email becomes a secondary one: the agent moves an email, and removes none.
        gaining = replace(
            with_identifiers(contact, EMAIL, (fact, *identifier_facts(contact, EMAIL))), updated_at=context.now
        )
        event_builder = EventBuilder(context, self.workspace_id, by=self.writer)
        for changed in (contact, other):
            # Without the values: the loser's timeline would still hold the email after an erasure of the gainer (P2).
            event_builder.add("contact.updated", changed.id, {"fields": [EMAIL]})
        return ChangeSet(
            # Both in one change set: at no time do both contacts, or neither, have the email (R3).
            contacts=(replacement(other, losing), replacement(contact, gaining)),
            decisions=(
                event_builder.decision_record(
                    contact.id, self.request_id, _email_trace(f"was moved here from {other.id} by hand")
                ),
                # An ordinal of its own, or both records would have one id.
                event_builder.decision_record(
                    other.id, self.request_id, _email_trace(f"was moved to {contact.id} by hand"), ordinal=1
                ),
            ),
            events=event_builder.events,
        )


def _email_trace(reason: str) -> Trace:
    return Trace(fields=(FieldVerdict(field=EMAIL, verdict="written", reason=reason),))


def _joined_by(conflict: Conflict, other: Contact) -> MergeId | None:
    """Return the join by which the other contact has the email of the conflict; None where it has it otherwise."""
    disputed = _disputed_email(conflict, other) if conflict.field == EMAIL else None
    return disputed.joined_by if disputed is not None else None


def _disputed_email(conflict: Conflict, other: Contact) -> Fact | None:
    """Find the email of the conflict among the other contact's; None when it is gone."""
    emails = identifier_facts(other, EMAIL)
    # Records of older versions do not say which email; then the primary one is meant.
    if conflict.digest is None:
        return emails[0] if emails else None
    digests = {identifier_of(EMAIL, fact).digest(conflict.workspace_id): fact for fact in emails}
    return digests.get(conflict.digest)
